"""Partitions of some days, a report for each: results as rows, refused rows with reasons, and what halts the publish."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import CheckKind, Table
from pipelines.errors import DataQualityError
from pipelines.quality import frames, metrics, suite
from pipelines.quality.history import PartitionStats
from pipelines.quality.message import examples
from pipelines.quality.quarantine import Refused, quarantined
from pipelines.quality.sheets import Finding, Sheets, judged_metrics

TOLERANCE = 0.01  # share of rows that a stop check may refuse before the whole partition is halted


@dataclass(frozen=True, slots=True)
class Part:
    """Rows to judge: `view` has the contract's columns and holds one instance's day; `history` what came before it."""

    table: Table
    view: str
    day: date
    history: Sequence[PartitionStats] = ()


@dataclass(slots=True)
class _Draft:
    """A partition of which every question is asked and not every one answered."""

    part: Part
    judged: dict[str, str]  # checked column -> SQL of what GX sees of it
    stats: PartitionStats
    rows: list[Finding]
    metrics: list[metrics.Metric]
    seconds: float


@dataclass(frozen=True)
class QualityReport:
    """`results` are rows of `out__quality_result`, `quarantine` of `out__quarantine`."""

    results: pa.Table
    quarantine: pa.Table
    stop_failures: tuple[DataQualityError, ...]
    verdict: str  # passed, warned or failed
    rows: int
    seconds: float
    summary: str
    stats: PartitionStats


def validate_partition(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    view: str,
    *,
    instance: str,
    day: date,
    history: Sequence[PartitionStats] = (),
    tolerance: float = TOLERANCE,
) -> QualityReport:
    """`validate_partitions` of one."""
    part = Part(table, view, day, history)
    return validate_partitions(con, [part], instance=instance, tolerance=tolerance)[0]


def validate_partitions(
    con: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    *,
    instance: str,
    tolerance: float = TOLERANCE,
) -> list[QualityReport]:
    """Judge partitions together, those of earlier days first; a report for each, in their order.

    A partition among them is history for the later ones of its table. Rows that fail a `stop` row check go to quarantine; more than `tolerance` of them, or a failed cross-row `stop`
    check, is a stop failure. Memory stays bounded whatever a partition's size.
    """
    sheets = Sheets()
    drafts: list[_Draft] = []
    known: dict[str, list[PartitionStats]] = {}  # of the days before, this run's
    for part in parts:
        earlier = known.setdefault(part.table.name, [])
        drafts.append(_draft(con, replace(part, history=_updated(part.history, earlier)), sheets))
        earlier.append(drafts[-1].stats)
    started = time.perf_counter()
    sheets.settle()
    numbers = iter(judged_metrics([metric for draft in drafts for metric in draft.metrics]))
    shared = (time.perf_counter() - started) / max(1, len(drafts))
    reports = []
    for draft in drafts:
        draft.seconds += shared
        found = [*draft.rows, *islice(numbers, len(draft.metrics))]
        reports.append(_report(con, draft, found, instance, tolerance))
    return reports


def _updated(history: Sequence[PartitionStats], newer: Sequence[PartitionStats]) -> list[PartitionStats]:
    """What is known of each day, in order; what was counted now goes before what an earlier run kept."""
    days = {stats.day: stats for stats in (*history, *newer)}
    return [days[day] for day in sorted(days)]


def _draft(con: duckdb.DuckDBPyConnection, part: Part, sheets: Sheets) -> _Draft:
    """Count, and put every row check's values on its sheet."""
    started = time.perf_counter()
    checks = suite.row_checks(part.table)
    judged = frames.judged_values(part.table, checks)
    counts = metrics.count(con, part.table, part.view, part.day, distinct=judged)
    found = [Finding(check, "rows", suite.expected_of(check)) for check in checks]
    for frame in frames.frames(con, part.view, judged, counts.stats.rows, counts.different or {}):
        for finding in found:
            if finding.check.column in frame.columns:
                sheets.ask(finding, frame.data[finding.check.column], frame.weights)
    numbers = metrics.metrics_of(con, part.table, part.view, counts, part.history)
    return _Draft(part, judged, counts.stats, found, numbers, time.perf_counter() - started)


def _report(
    con: duckdb.DuckDBPyConnection, draft: _Draft, found: Sequence[Finding], instance: str, tolerance: float
) -> QualityReport:
    table, day, rows = draft.part.table, draft.part.day, draft.stats.rows
    refused = [Refused(f.check, list(f.values)) for f in found if f.check.severity == "stop" and f.values]
    aside = quarantined(con, table, draft.part.view, refused, draft.judged, instance=instance, day=day)
    for finding in found:
        finding.observed = finding.observed or _observed(table, finding, rows)
    halting = [f for f in found if _halts(f, rows, tolerance)]
    return QualityReport(
        results=_results(found, table, instance, day, rows, draft.seconds),
        quarantine=aside,
        stop_failures=tuple(_error(table, f, day, rows) for f in halting),
        verdict="failed" if halting else "warned" if any(not f.success for f in found) else "passed",
        rows=rows,
        seconds=draft.seconds,
        summary=_summary(found),
        stats=draft.stats,
    )


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
