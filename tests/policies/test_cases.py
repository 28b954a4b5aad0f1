"""Every policy proves itself: each of its cases, at the boundary on both sides, on DuckDB; and all of them at once, in any order
and beside what happens later, as a window is cut."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from pipelines.policies.cases import DAY
from pipelines.policies.core import Case, Policy, Row
from pipelines.policies.prove import DuckDB, observe, problems
from pipelines.policies.registry import catalogue
from tests.features.nights import unique

ENGINE = DuckDB()
CASES = [
    pytest.param(policy, case, id=f"{policy.id}: {case.name}")
    for policy in catalogue().values()
    for case in policy.cases
]


@pytest.mark.parametrize(("policy", "case"), CASES)
def test_the_case_holds(policy: Policy, case: Case) -> None:
    assert problems(policy, case, ENGINE) == []


def together(policy: Policy) -> tuple[Row, ...]:
    """The rows of all cases that raise something in one organisation; of rows that several cases give, one."""
    return tuple(unique(row for case in policy.cases if case.alerts for row in case.rows))


def seen(policy: Policy, rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    return observe(policy, Case("all", rows, DAY), ENGINE)


def a_day_later(row: Row) -> Row:
    values = {**row.values, "activity_uid": f"{row.values['activity_uid']}-later"}
    return Row(row.table, {**values, **{name: values[name] + timedelta(days=1) for name in ("time", "event_date")}})


@pytest.mark.parametrize("policy", catalogue().values(), ids=list(catalogue()))
def test_neither_the_order_of_rows_nor_what_happens_later_changes_what_is_seen(policy: Policy) -> None:
    rows = together(policy)
    once = seen(policy, rows)
    shuffled = random.Random(policy.id).sample(rows, len(rows))
    later = [a_day_later(row) for row in rows if row.table == "core__activity" and row.values["event_date"] == DAY]

    assert once, "together they give something to see"
    assert seen(policy, tuple(shuffled)) == once
    assert seen(policy, (*rows, *later)) == once
