"""A second judge: the recommendations once more, over plain rows, without anything of the engine.

Here is what all share: what can be seen, counting, three-valued logic, one property. True, False and None stand for met, not
met and not known. Each module `oracle_*` judges a part of the list and holds

    ORACLES        a function per number: World -> state
    TABLES         what it reads, beside sys_properties
    COLUMNS        (table, column) pairs that a test may hide
    drawn_rows()   a Hypothesis strategy of rows by table
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.posture.facts import Fact
from tests.posture.world import Row, World

COMPLIANT, NOT_COMPLIANT, UNKNOWN, NOT_APPLICABLE = "compliant", "not_compliant", "unknown", "not_applicable"

#: Tables that are never empty on a living instance: no row means that none is shown.
NEVER_EMPTY = {
    "sys_properties", "v_plugin", "sys_plugins", "sys_user", "sys_user_role", "sys_user_has_role", "sys_user_role_contains",
    "sys_security_acl", "sys_security_acl_role", "sys_db_object", "sys_dictionary", "sys_script_include", "sys_ui_page",
}  # fmt: skip
BASELINES = {"utah": 1, "vancouver": 1, "washingtondc": 2, "xanadu": 4, "yokohama": 5, "zurich": 7, "australia": 8}

Truth = bool | None


@dataclass(frozen=True)
class Answer:
    """`gone`: the instance has no such table, so that the question does not apply."""

    truth: Truth
    gone: bool = False


def access(world: World, table: str, *columns: str) -> str:
    """How a question to these columns of a table fares: `yes`, `no` (may not be seen) or `gone` (no such table)."""
    if table in world.unread:
        return "no"
    state = world.state(table)
    if state == "missing":
        return "no" if table in NEVER_EMPTY else "gone"
    if state in {"denied", "failed"} or (state == "empty" and table in NEVER_EMPTY):
        return "no"
    if state != "empty" and any((table, column) in world.hidden_columns for column in columns):
        return "no"
    return "yes"


def is_partial(world: World, table: str) -> bool:
    return table not in world.unread and world.state(table) == "partial"


def is_on(value: str | int | None) -> bool:
    return str(value or "").strip().lower() in {"true", "1"}


def enough(
    world: World,
    table: str,
    columns: Sequence[str],
    counts: Callable[[Row], bool],
    at_least: int = 1,
    is_optional: bool = False,
) -> Answer:
    """Whether that many rows speak for it; rows that are hidden may be the missing ones."""
    how = access(world, table, *columns)
    if how == "no":
        return Answer(None)
    if how == "gone" and is_optional:
        return Answer(None, gone=True)
    found = 0 if how == "gone" else sum(counts(row) for row in world.of(table))
    if found >= at_least:
        return Answer(True)
    return Answer(None if is_partial(world, table) else False)


def few(
    world: World,
    tables: Mapping[str, tuple[str, ...]],
    offenders: Callable[[], Iterable[object]],
    at_most: int = 0,
    acquitting: Sequence[str] = (),
) -> Answer:
    """Whether at most that many rows speak against it. Hidden rows of `acquitting` tables may excuse those that were found."""
    hows = {access(world, table, *columns) for table, columns in tables.items()}
    if hows != {"yes"}:
        return Answer(None, gone="no" not in hows)
    found = len(set(offenders()))
    doubtful = acquitting if found > at_most else tuple(tables)
    if any(is_partial(world, table) for table in doubtful):
        return Answer(None)
    return Answer(found <= at_most)


def doubtful(world: World, tables: Mapping[str, tuple[str, ...]], rows: Callable[[], Iterable[object]]) -> Answer:
    """Rows of which nobody can say whether they offend: one is enough to know nothing."""
    hows = {access(world, table, *columns) for table, columns in tables.items()}
    if hows != {"yes"}:
        return Answer(None, gone="no" not in hows)
    return Answer(None if set(rows()) or any(is_partial(world, table) for table in tables) else True)


def all_of(*answers: Answer) -> Answer:
    """What does not hold decides; then what is not known; then what there is no table for."""
    if any(a.truth is False for a in answers):
        return Answer(False)
    if any(a.truth is None and not a.gone for a in answers):
        return Answer(None)
    return Answer(None, gone=True) if any(a.gone for a in answers) else Answer(True)


def counted(world: World, question: str, at_least: int = 0, at_most: int | None = None) -> Truth:
    """Whether the instance's own count lies between."""
    if access(world, "posture_count", "question", "rows") != "yes":
        return None
    rows = [row["rows"] for row in world.of("posture_count") if row["question"] == question]
    number = rows[-1] if rows else None
    if number is None:
        return None
    return int(number) >= at_least and (at_most is None or int(number) <= at_most)


def plugin(world: World, name: str) -> Truth:
    """Whether a plugin is active, by the first of the two tables that can be read."""
    for table, key in (("v_plugin", "id"), ("sys_plugins", "source")):
        if access(world, table, key, "active") != "yes":
            continue
        rows = [row for row in world.of(table) if str(row.get(key) or "").strip() == name]
        if rows:
            return any(str(row.get("active") or "").strip().lower() in {"true", "active", "1"} for row in rows)
        return None if is_partial(world, table) else False
    return None


def setting(world: World, fact: Fact) -> tuple[Truth, bool | None]:
    """Whether the property is as it should be, and whether it has no row (None: that cannot be seen)."""
    if access(world, "sys_properties", "name", "value") != "yes":
        return None, None
    rows = [row for row in world.of("sys_properties") if row["name"] == fact.property]
    if not rows:
        return (None, None) if is_partial(world, "sys_properties") else (_in_force(fact), True)
    if any(_is_masked(row) for row in rows):
        return None, None
    values = [str(row["value"]) for row in rows]
    is_list = fact.rule.split(" ")[0] in {"blank", "filled", "domains", "has", "lacks", "isnt"}
    if not is_list and any(not value.strip() for value in values):
        return _in_force(fact), False
    return all(follows(fact.rule, value) for value in values), False


def follows(rule: str, value: str) -> bool:
    """Whether a value is what a rule of `facts.csv` asks for."""
    word, _, rest = rule.partition(" ")
    text = value.strip().lower()
    entries = {entry.strip() for entry in re.split("[,;\n]", text)} - {""}
    if word == "is":
        return text == rest.lower()
    if word == "blank":
        return text == ""
    if word == "isnt":
        return text != rest.lower()
    if word == "filled":
        unwanted = set(rest.removeprefix("without ").split(",")) if rest else set()
        return bool(entries) and not any(unwanted & set(re.split(r"\s*:\s*", entry)) for entry in entries)
    if word == "domains":
        return bool(entries) and all("." in entry and "*" not in entry for entry in entries)
    if word in {"has", "lacks"}:
        named = set(rest.lower().split(","))
        return named <= entries if word == "has" else not named & entries
    return _in_range(rule, text)


def _in_range(rule: str, text: str) -> bool:
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        return False
    number = Fraction(text)
    if rule.startswith("<"):
        return number < int(rule[1:])
    low, high = rule.split("..")
    return (not low or number >= int(low)) and (not high or number <= int(high))


def _in_force(fact: Fact) -> Truth:
    return None if fact.absent == "?" else follows(fact.rule, fact.absent)


def _is_masked(row: Row) -> bool:
    value = row.get("value")
    if value is None or re.fullmatch(r"[*•]+", str(value).strip()):
        return True
    return is_on(row.get("private")) or str(row.get("type") or "").strip().lower() in {"password", "password2"}


def both(*truths: Truth) -> Truth:
    return False if False in truths else None if None in truths else True


def either(*truths: Truth) -> Truth:
    return True if True in truths else None if None in truths else False


def state(answer: Answer | Truth) -> str:
    if isinstance(answer, Answer):
        if answer.gone:
            return NOT_APPLICABLE
        answer = answer.truth
    return UNKNOWN if answer is None else COMPLIANT if answer else NOT_COMPLIANT
