"""docs/reference/policies.md, derived from the policy files. `python -m pipelines.policies.docs [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from pipelines.contracts import contract
from pipelines.generated_page import REFERENCE, write_or_check
from pipelines.policies.core import Policy
from pipelines.policies.registry import catalogue

PAGE = REFERENCE / "policies.md"

_HEAD = """# Policies

One section per policy, generated from its file (`make docs`); `make check` fails where the two differ. How to write one
or change one: [write a policy](../howto/write-a-policy.md). `nowguard policy list` says what could be seen last night.

"""


def page() -> str:
    """The whole page: an index, then one section per policy."""
    policies = catalogue().values()
    index = _table(
        ("policy", "kind", "severity", "ATT&CK", "what it sees"),
        [(f"[{p.id}](#{p.id})", p.kind, p.severity, ", ".join(p.attack), _first_sentence(p.summary)) for p in policies],
    )
    return _HEAD + "\n".join(index) + "\n\n" + "\n".join(line for policy in policies for line in _section(policy))


def _section(policy: Policy) -> Iterator[str]:
    yield from (f"## {policy.id}", "", policy.summary.strip(), "")
    yield f"Alert: *{policy.title}*"
    yield from (f"; as {form}: *{title}*" for form, title in policy.titles.items())
    yield ""
    if policy.params:
        rows = [(f"`{p.name}`", _shown(p.default, p.unit), p.meaning, p.source) for p in policy.params]
        yield from _table(("parameter", "default", "meaning", "source of the default"), rows)
        yield ""
    if policy.suppressions:
        yield "A behavior and no alert, where one of these explains it:"
        yield ""
        yield from _table(
            ("explanation", "scope", "meaning"), [(s.name, s.scope, s.meaning) for s in policy.suppressions]
        )
        yield ""
    yield from (f"**Blind to.** {policy.blind_to}", "", f"**Needs.** {_needs(policy)}", "")
    yield "**Triage.**"
    yield ""
    yield from (f"{nth}. {step}" for nth, step in enumerate(policy.triage, 1))
    yield ""
    yield f"**Reads** {', '.join(f'`{contract(name).name}`' for name in policy.reads)}. **Proved by** {len(policy.cases)} cases: "
    yield f"{'; '.join(case.name for case in policy.cases)}."
    yield ""


def _needs(policy: Policy) -> str:
    needs = policy.needs
    parts = [
        *(f"`{name}`, blind without" for name in needs.tables),
        *(f"one of {', '.join(f'`{name}`' for name in group)}" for group in needs.any_of),
        *(f"`{name}`, degraded without" for name in needs.helpful_tables),
        *(f"column `{name}`" for name in needs.columns),
        *(f"property `{name}` = `{value}`" for name, value in needs.properties.items()),
        *(f"{name.replace('_', ' ')} data" for name in needs.data),
        *([f"{needs.learning_days} days of history"] if needs.learning_days else []),
    ]
    return "; ".join(parts) + "."


def _shown(value: object, unit: str) -> str:
    text = (
        ", ".join(map(str, value))
        if isinstance(value, tuple)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
    return f"{text} {unit}".strip()


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"


def _first_sentence(summary: str) -> str:
    return " ".join(summary.strip().split("\n\n")[0].split())


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` compare it; the exit code."""
    return write_or_check(PAGE, page(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
