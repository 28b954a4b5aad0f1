"""A contract as a Great Expectations suite: every kind of check has its expectation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipelines.contracts.table import Check, CheckKind, Table
from pipelines.quality.judge import great_expectations
from pipelines.quality.metrics import HIGH, LOW, MEASURE

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

GX_SEVERITY = {"stop": "critical", "warn": "warning"}

WITHIN = "expect_column_pair_values_a_to_be_greater_than_b"

#: By GX's registered names; `expectations` below builds them.
EXPECTATION_OF = {
    CheckKind.NOT_NULL: "expect_column_values_to_not_be_null",
    CheckKind.ONE_OF: "expect_column_values_to_be_in_set",
    CheckKind.MATCHES: "expect_column_values_to_match_regex",
    CheckKind.BETWEEN: "expect_column_values_to_be_between",
    CheckKind.UNIQUE_KEY: WITHIN,
    CheckKind.ROWS_LIKE_HISTORY: WITHIN,
    CheckKind.NULLS_LIKE_HISTORY: WITHIN,
    CheckKind.TIME_IN_PARTITION: WITHIN,
}


def row_checks(table: Table) -> tuple[Check, ...]:
    return tuple(check for check in table.all_checks() if check.is_row_check)


def suite_of(table: Table) -> ExpectationSuite:
    """The contract's row checks over the rows."""
    gx = great_expectations()
    rows = [row_expectation(check) for check in row_checks(table)]
    suite: ExpectationSuite = gx.ExpectationSuite(name=table.name, expectations=rows)
    return suite


def row_expectation(check: Check) -> Expectation:
    return _made(check, column=check.column, **_parameters(check))


def metric_expectations() -> tuple[Expectation, Expectation]:
    """Over a frame of metrics: each at least its low and at most its high end."""
    above = great_expectations().expectations.ExpectColumnPairValuesAToBeGreaterThanB
    return (
        above(column_A=MEASURE, column_B=LOW, or_equal=True),
        above(column_A=HIGH, column_B=MEASURE, or_equal=True),
    )


def expected_of(check: Check) -> str:
    """What a row check asks, for a person."""
    match check.kind:
        case CheckKind.NOT_NULL:
            return "always there"
        case CheckKind.ONE_OF:
            shown = ", ".join(check.values[:8])
            return f"one of {shown}" + (f" and {len(check.values) - 8} more" if len(check.values) > 8 else "")
        case CheckKind.MATCHES:
            return f"matches {check.pattern}"
        case CheckKind.BETWEEN if check.low is None:
            return f"at most {check.high:g}"
        case CheckKind.BETWEEN if check.high is None:
            return f"at least {check.low:g}"
        case _:
            return f"{check.low:g} to {check.high:g}"


def _parameters(check: Check) -> dict[str, Any]:
    match check.kind:
        case CheckKind.NOT_NULL:
            return {}
        case CheckKind.ONE_OF:
            return {"value_set": list(check.values)}
        case CheckKind.MATCHES:
            return {"regex": whole(check.pattern)}
        case CheckKind.BETWEEN:
            return {"min_value": check.low, "max_value": check.high}
        case _:
            raise ValueError(f"{check.kind} is no row check")


def whole(pattern: str) -> str:
    """The pattern without two surprises: `$` also accepts a trailing line break, and groups make pandas warn."""
    ungrouped = re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)
    return ungrouped[:-1] + r"\Z" if ungrouped.endswith("$") and not ungrouped.endswith(r"\$") else ungrouped


def _made(check: Check, **parameters: Any) -> Expectation:
    gxe = great_expectations().expectations
    kind = {
        CheckKind.NOT_NULL: gxe.ExpectColumnValuesToNotBeNull,
        CheckKind.ONE_OF: gxe.ExpectColumnValuesToBeInSet,
        CheckKind.MATCHES: gxe.ExpectColumnValuesToMatchRegex,
        CheckKind.BETWEEN: gxe.ExpectColumnValuesToBeBetween,
    }[check.kind]
    made: Expectation = kind(severity=GX_SEVERITY[check.severity], **parameters)
    return made
