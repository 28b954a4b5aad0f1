"""`docs/howto/least-privilege-account.md`: the role and the read rules that the product's account needs, from the contracts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.contracts import all_sources
from pipelines.contracts.counts import QUESTIONS
from pipelines.generated_page import REFERENCE, write_or_check

PAGE = REFERENCE.parent / "howto" / "least-privilege-account.md"
ROLE = "x_nowguard_reader"
#: Tables whose columns the platform protects with rules of their own: a rule on the table alone does not open them.
FIELD_RULES = (
    "sys_user",
    "sys_properties",
    "oauth_entity",
    "oauth_credential",
    "discovery_credentials",
    "sys_certificate",
)


@dataclass(frozen=True, slots=True)
class Right:
    """Read access to one table: its columns, and what the table is read for."""

    table: str
    columns: tuple[str, ...]
    purpose: str
    title: str


def rights() -> tuple[Right, ...]:
    """One per table that is read or counted, by name. A table that is only counted needs its key and what it is asked by."""
    asked: dict[str, set[str]] = {}
    for question in QUESTIONS.values():
        seen = set() if question.is_secret else {question.column} - {""}  # a secret is worth more than its count
        asked.setdefault(question.table, {"sys_id"}).update(seen)
    found = {}
    for name, table in all_sources().items():
        assert table.source is not None
        columns = {*table.wire_columns, *asked.pop(name, set())}
        found[name] = Right(name, tuple(sorted(columns)), table.source.purpose, table.title)
    for name, columns in asked.items():
        found[name] = Right(name, tuple(sorted(columns)), "posture", "Counted, never read")
    return tuple(found[name] for name in sorted(found))


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _BEFORE.format(role=ROLE).splitlines()
    for purpose, heading in (
        ("activity", "Activity: detection needs them"),
        ("posture", "Posture: recommendations need them"),
    ):
        yield from ("", f"### {heading}", "", "| table | what it is | columns |", "| --- | --- | --- |")
        for right in rights():
            if right.purpose == purpose:
                yield f"| `{right.table}` | {right.title} | {', '.join(f'`{c}`' for c in right.columns)} |"
    yield ""
    yield "## 3. Rules on columns"
    yield ""
    yield from _COLUMNS.format(role=ROLE).splitlines()
    yield ""
    yield from (f"- `{name}.*`" for name in FIELD_RULES)
    yield from _AFTER.splitlines()


_BEFORE = """# Give the account the least rights

This page is generated from the contracts (`make docs`): it cannot say other tables than are read.

No step needs `admin`. An administrator with `security_admin` elevated does this once, best in an update set.

## 1. The role and the account

| record | value |
| --- | --- |
| *User Administration > Roles > New* | name `{role}`, elevated privilege off, contains no other role |
| *User Administration > Users > New* | user id `nowguard.collector`, time zone GMT, *Web service access only* and *Internal integration user* on |
| roles of the user | `{role}`, `snc_read_only` (it takes every write right away), and `snc_platform_rest_api_access` where the API-level rule is active |

## 2. Rules on tables

*System Security > Access Control (ACL) > New*, one per table: type `record`, operation `read`, name = the table with field *None*, requires
role `{role}`, nothing in condition and script. Rules of the same name are alternatives: nobody loses a right by them.

Columns are what is asked for or searched; nothing else is ever requested, and scripts are only counted. No column holds a password, token, key or secret."""

_COLUMNS = """A rule on a column or on `table.*` that exists on the instance comes before the table's. Where `nowguard check` says that
columns are not shown, add a rule with operation `read`, the role `{role}`, and the name it says. On most instances these are needed:"""

_AFTER = """
Private properties stay masked, whatever the rule: what rests on one of them is `unknown`, never non-compliant.

`sys_user.user_password` is left out on purpose: to count the accounts of a directory that have a local password (D17) is not worth an
account that may search passwords. An account that may do so anyway gets the answer.

## 4. Query ranges

Where query rules are active (Xanadu and later), the role also needs `query_range` on `sys_id` of every table above and on
`sys_created_on` of the activity tables: paging compares and sorts by them.

## 5. Look

`nowguard check` lists every table and column with what is missing. What stays closed makes exactly the recommendations that need it
`unknown`, with the rule named in `missing_acls` of `mart.posture`, and the policies that need it `blind` or `degraded` in `mart.coverage`."""


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page(), sys.argv[1:]))
