"""Judge every landed partition with Great Expectations; a failed `stop` halts that partition's publish."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Table, empty
from pipelines.errors import DataQualityError
from pipelines.lake import Lease
from pipelines.steps.night import Night, StepRow, tables_of

HISTORY_DAYS = 28


def validate(night: Night, lease: Lease) -> list[StepRow]:
    """All raw partitions that nobody has judged yet; every finding is kept, then the first `stop` is raised."""
    rows, failures = judge(night, lease, tables_of("raw"), "validate")
    if failures:
        raise failures[0]
    return rows


def judge(
    night: Night, lease: Lease, tables: Iterable[Table], step: str
) -> tuple[list[StepRow], list[DataQualityError]]:
    """Judge the unjudged partitions of `tables`, day by day; marks each partition `passed`, `warned` or `failed`."""
    rows: list[StepRow] = []
    failures: list[DataQualityError] = []
    todo: dict[date, list[Table]] = {}
    for table in tables:
        for day in night.lake.days(table, night.instance):
            part = night.lake.partition(table, night.instance, day)
            if part is not None and not part.quality and day <= night.last:
                todo.setdefault(day, []).append(table)
    for day in sorted(todo):
        day_rows, day_failures = _judge_day(night, lease, day, todo[day], step)
        rows += day_rows
        failures += day_failures
    return rows, failures


def _judge_day(
    night: Night, lease: Lease, day: date, tables: list[Table], step: str
) -> tuple[list[StepRow], list[DataQualityError]]:
    from pipelines.quality import Part, past, validate_partitions

    rows: list[StepRow] = []
    failures: list[DataQualityError] = []
    results_table = contract("out__quality_result")
    before = [
        d for d in night.lake.days(results_table, night.instance) if day - timedelta(days=HISTORY_DAYS) <= d < day
    ]
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as con:
        night.lake.view(con, results_table, night.instance, before, name="past_results")
        parts = [
            Part(table, f"judged_{table.name}", past(con, "past_results", table, day, HISTORY_DAYS)) for table in tables
        ]
        for part in parts:
            night.lake.view(con, part.table, night.instance, [day], name=part.view)
        reports = validate_partitions(con, parts, instance=night.instance, day=day)
    for table, report in zip(tables, reports, strict=True):
        failures += report.stop_failures
        rows.append(StepRow(step, table.name, day, report.verdict, report.rows, report.seconds, report.summary))
    judged = {table.name for table in tables}
    _merge(night, lease, "out__quality_result", day, [report.results for report in reports], judged)
    _merge(night, lease, "out__quarantine", day, [report.quarantine for report in reports], judged)
    for table, report in zip(tables, reports, strict=True):
        night.lake.set_quality(lease, table, night.instance, day, report.verdict)
    return rows, failures


def _merge(night: Night, lease: Lease, name: str, day: date, new: list[pa.Table], judged: set[str]) -> None:
    """Replace the rows of the judged tables in the day's partition and keep those of the others."""
    table = contract(name)
    kept = empty(table)
    files = night.lake.files(table, night.instance, [day])
    if files:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        kept = pa.concat_tables([pq.read_table(f, schema=table.arrow_schema(), partitioning=None) for f in files])
        kept = kept.filter(pc.invert(pc.is_in(kept["table"], pa.array(sorted(judged)))))
    night.lake.replace(lease, table, night.instance, day, pa.concat_tables([kept, *new]))
