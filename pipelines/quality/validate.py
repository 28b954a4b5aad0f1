"""One partition, one report: results as rows, refused rows with reasons, and what halts the publish."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Check, CheckKind, Table
from pipelines.errors import DataQualityError
from pipelines.quality import frames, metrics, suite
from pipelines.quality.history import PartitionStats
from pipelines.quality.judge import judge
from pipelines.quality.message import examples
from pipelines.quality.quarantine import Refused, quarantined

TOLERANCE = 0.01  # share of rows that a stop check may refuse before the whole partition is halted
KEPT_VALUES = 100_000  # different failing values remembered of one check


@dataclass(slots=True)
class Finding:
    """One expectation, judged. `values` are the different failing ones of a row check, as GX saw them."""

    check: Check
    where: str
    expected: str
    success: bool = True
    failed_rows: int = 0
    observed: str = ""
    measure: float | None = None
    values: dict[object, None] = field(default_factory=dict)


@dataclass(frozen=True)
class QualityReport:
    """`results` are rows of `out__quality_result`, `quarantine` of `out__quarantine`."""

    results: pa.Table
    quarantine: pa.Table
    stop_failures: tuple[DataQualityError, ...]
    verdict: str  # passed, warned or failed
    rows: int
    summary: str
    stats: PartitionStats


def validate_partition(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    view_name: str,
    *,
    instance: str,
    day: date,
    history: Sequence[PartitionStats] = (),
    tolerance: float = TOLERANCE,
) -> QualityReport:
    """Judge the rows of `view_name`, which has the contract's columns and holds one instance's day.

    Rows that fail a `stop` row check go to quarantine; more than `tolerance` of them, or a failed cross-row `stop`
    check, is a stop failure. Memory stays bounded whatever the partition's size.
    """
    started = time.perf_counter()
    checks = suite.row_checks(table)
    judged = frames.judged_values(table, checks)
    counts = metrics.count(con, table, view_name, day, distinct=judged)
    found = [
        *_row_findings(con, view_name, checks, judged, counts),
        *_metric_findings(metrics.metrics_of(con, table, view_name, counts, history)),
    ]
    rows = counts.stats.rows
    refused = [Refused(f.check, list(f.values)) for f in found if f.check.severity == "stop" and f.values]
    aside = quarantined(con, table, view_name, refused, judged, instance=instance, day=day)
    for finding in found:
        finding.observed = finding.observed or _observed(table, finding, rows)
    halting = [f for f in found if _halts(f, rows, tolerance)]
    return QualityReport(
        results=_results(found, table, instance, day, rows, time.perf_counter() - started),
        quarantine=aside,
        stop_failures=tuple(_error(table, f, day, rows) for f in halting),
        verdict="failed" if halting else "warned" if any(not f.success for f in found) else "passed",
        rows=rows,
        summary=_summary(found),
        stats=counts.stats,
    )


def _row_findings(
    con: duckdb.DuckDBPyConnection, view: str, checks: Sequence[Check], judged: dict[str, str], counts: metrics.Counts
) -> list[Finding]:
    found = {check: Finding(check, "rows", suite.expected_of(check)) for check in checks}
    expectations = {check: suite.row_expectation(check) for check in checks}
    for frame in frames.frames(con, view, judged, counts.stats.rows, counts.different or {}):
        asked = [check for check in checks if check.column in frame.columns]
        verdicts = judge(frame.data, [expectations[check] for check in asked], rows=True)
        for check, verdict in zip(asked, verdicts, strict=True):
            if not verdict.success:
                _note(found[check], frame, verdict.failed)
    return list(found.values())


def _note(finding: Finding, frame: frames.Frame, positions: Sequence[int]) -> None:
    finding.success = False
    finding.failed_rows += frame.rows(positions)
    for value in frame.data[finding.check.column].iloc[list(positions)].unique().tolist():
        if len(finding.values) < KEPT_VALUES:
            finding.values[None if value != value else value] = None  # noqa: PLR0124  # NaN is pandas' missing


def _metric_findings(found: Sequence[metrics.Metric]) -> list[Finding]:
    if not found:
        return []
    verdicts = judge(metrics.frame_of(found), [suite.metric_expectation(m) for m in found], rows=False)
    return [
        Finding(m.check, "metrics", m.band.said, verdict.success, m.failed_rows, m.observed, m.measure)
        for m, verdict in zip(found, verdicts, strict=True)
    ]


def _observed(table: Table, finding: Finding, rows: int) -> str:
    """Of a row check: how many rows fail, and what a failing value looks like."""
    if finding.success:
        return f"all of {rows:,} rows" if rows else "no rows"
    said = f"{finding.failed_rows:,} of {rows:,} rows do not"
    if finding.check.kind is CheckKind.NOT_NULL:
        return said
    return f"{said}, like {examples(table[finding.check.column], finding.values)}"


def _halts(finding: Finding, rows: int, tolerance: float) -> bool:
    if finding.success or finding.check.severity != "stop":
        return False
    return finding.where == "metrics" or finding.failed_rows > tolerance * rows


def _error(table: Table, finding: Finding, day: date, rows: int) -> DataQualityError:
    check = finding.check
    return DataQualityError(
        f"{table.name} of {day} is not published: {suite.EXPECTATION_OF[check.kind]} ({check.kind.value}) on "
        f"{check.column or 'the table'} asks for {finding.expected}; {finding.observed} (of {rows:,} rows in all)",
        remedy=f"look at the quality page of the report and at out__quarantine for {day}, repair or re-read the source, "
        f"then run the day again with --from-step validate",
    )


def _summary(found: Sequence[Finding]) -> str:
    """One line about what failed; empty where nothing did."""
    failed = [f"{f.check.kind.value} {f.check.column}: {f.observed}".replace(" :", ":") for f in found if not f.success]
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return "; ".join(failed[:3]) + more


def _results(found: Sequence[Finding], table: Table, instance: str, day: date, rows: int, seconds: float) -> pa.Table:
    def row(finding: Finding) -> dict[str, Any]:
        check = finding.check
        return {
            "instance": instance, "event_date": day, "table": table.name, "check": check.kind.value,
            "expectation": suite.EXPECTATION_OF[check.kind], "column": check.column, "severity": check.severity,
            "success": finding.success, "evaluated_where": finding.where, "observed": finding.observed,
            "expected": finding.expected, "measure": finding.measure, "rows": rows,
            "failed_rows": finding.failed_rows, "seconds": seconds,
        }  # fmt: skip

    schema = contract("out__quality_result").arrow_schema()
    return pa.Table.from_pylist([row(finding) for finding in found], schema=schema)
