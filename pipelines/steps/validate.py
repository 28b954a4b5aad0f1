"""Judge every landed partition with Great Expectations; a failed `stop` halts that partition's publish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Table, empty
from pipelines.errors import DataQualityError
from pipelines.lake import Lease
from pipelines.steps.night import Night, StepRow, tables_of

if TYPE_CHECKING:
    from pipelines.quality import Part

HISTORY_DAYS = 28
AT_ONCE = 7


def validate(night: Night, lease: Lease) -> list[StepRow]:
    """All raw partitions that nobody has judged yet; every finding is kept, then the first `stop` is raised."""
    rows, failures = judge(night, lease, tables_of("raw"), "validate")
    if failures:
        raise failures[0]
    return rows


def judge(
    night: Night, lease: Lease, tables: Iterable[Table], step: str
) -> tuple[list[StepRow], list[DataQualityError]]:
    """Judge the unjudged partitions of `tables`, a week at a time; marks each partition `passed`, `warned` or `failed`."""
    rows: list[StepRow] = []
    failures: list[DataQualityError] = []
    todo: dict[date, list[Table]] = {}
    for table in tables:
        for day in night.lake.days(table, night.instance):
            part = night.lake.partition(table, night.instance, day)
            if part is not None and not part.quality and day <= night.last:
                todo.setdefault(day, []).append(table)
    for days in _batches(sorted(todo)):
        parts = [(day, table) for day in days for table in todo[day]]
        more, halted = _judge_parts(night, lease, parts, step)
        rows += more
        failures += halted
    return rows, failures


def _batches(days: list[date]) -> Iterator[list[date]]:
    """A week at a time: Great Expectations costs by the question, and equal questions of all its partitions are asked once."""
    yield from (days[start : start + AT_ONCE] for start in range(0, len(days), AT_ONCE))


def _judge_parts(
    night: Night, lease: Lease, chosen: Sequence[tuple[date, Table]], step: str
) -> tuple[list[StepRow], list[DataQualityError]]:
    from pipelines.quality import validate_partitions

    results_table = contract("out__quality_result")
    first, last = chosen[0][0] - timedelta(days=HISTORY_DAYS), chosen[-1][0]
    before = [d for d in night.lake.days(results_table, night.instance) if first <= d < last]
    with night.connect() as con:
        night.lake.view(con, results_table, night.instance, before, name="past_results")
        parts = list(_parts(con, chosen))
        for part in parts:
            night.lake.view(con, part.table, night.instance, [part.day], name=part.view)
        reports = validate_partitions(con, parts, instance=night.instance)
    for day in sorted({day for day, _ in chosen}):
        of_day = {part.table: report for part, report in zip(parts, reports, strict=True) if part.day == day}
        judged = {table.name for table in of_day}
        _merge(night, lease, "out__quality_result", day, [report.results for report in of_day.values()], judged)
        _merge(night, lease, "out__quarantine", day, [report.quarantine for report in of_day.values()], judged)
        for table, report in of_day.items():
            night.lake.set_quality(lease, table, night.instance, day, report.verdict)
    rows = [
        StepRow(step, part.table.name, part.day, report.verdict, report.rows, report.seconds, report.summary)
        for part, report in zip(parts, reports, strict=True)
    ]
    return rows, [failure for report in reports for failure in report.stop_failures]


def _parts(con: duckdb.DuckDBPyConnection, chosen: Sequence[tuple[date, Table]]) -> Iterator[Part]:
    """Each partition with the four weeks before it, as far as earlier runs judged them."""
    from pipelines.quality import Part, past

    held = past(con, "past_results")
    for day, table in chosen:
        since = day - timedelta(days=HISTORY_DAYS)
        history = [stats for stats in held.get(table.name, ()) if since <= stats.day < day]
        yield Part(table, f"judged_{table.name}_{day:%Y%m%d}", day, history)


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
