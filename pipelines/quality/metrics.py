"""Cross-row checks: counted by DuckDB over the whole partition, judged by GX on a frame of one row per number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from pipelines.contracts.table import Check, CheckKind, Dtype, Table
from pipelines.quality.history import Band, PartitionStats, usual_nulls, usual_rows
from pipelines.quality.message import examples

MEASURE, LOW, HIGH = "measure", "low", "high"
PASS_ROWS = 8_000_000  # keys hashed at a time: 64-bit hashes of so many take about 300 MB


@dataclass(frozen=True, slots=True)
class Counts:
    """What one scan of the partition found. `different` is estimated and only filled for columns asked for."""

    stats: PartitionStats
    missing: frozenset[str] = frozenset()  # columns that no row carries
    outside: int = 0  # rows whose time is not in the partition's day, or is no time
    different: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of the partition and what is asked of it. `measure` is what history keeps, where it keeps it."""

    check: Check
    value: float
    band: Band
    observed: str
    failed_rows: int
    measure: float | None = None


def count(con: duckdb.DuckDBPyConnection, table: Table, view: str, day: date, *, distinct: dict[str, str]) -> Counts:
    """One scan. `distinct` maps a name to the SQL whose different values are to be estimated."""
    columns = watched_columns(table)
    wanted = ["count(*)", _outside(table)]
    wanted += [f"count(*) - count({filled(table, c)})" for c in columns]
    wanted += [f'count("{c}")' for c in columns]
    wanted += [f"approx_count_distinct({sql})" for sql in distinct.values()]
    parameters = [day] if table.time_column else []
    row = con.execute(f'SELECT {", ".join(wanted)} FROM "{view}"', parameters).fetchall()[0]
    rows, outside, n = row[0], row[1], len(columns)
    nulls = dict(zip(columns, row[2 : 2 + n], strict=True))
    missing = frozenset(c for c, present in zip(columns, row[2 + n : 2 + 2 * n], strict=True) if rows and not present)
    different = dict(zip(distinct, row[2 + 2 * n :], strict=True))
    return Counts(PartitionStats(day, rows, nulls), missing if table.source else frozenset(), outside, different)


def watched_columns(table: Table) -> tuple[str, ...]:
    """Columns whose share of empty rows is compared with history."""
    asked = [check for check in table.all_checks() if check.kind is CheckKind.NULLS_LIKE_HISTORY]
    if any(not check.column for check in asked):
        return tuple(f.name for f in table.all_fields if not f.required)
    return tuple(check.column for check in asked)


def filled(table: Table, column: str) -> str:
    """SQL of a value that is null where the column holds nothing: on the wire an empty field is ''."""
    quoted = f'"{column}"'
    is_text = table[column].dtype is Dtype.STRING
    return f"nullif({quoted}, '')" if table.source is not None and is_text else quoted


def metrics_of(
    con: duckdb.DuckDBPyConnection, table: Table, view: str, counts: Counts, history: Sequence[PartitionStats]
) -> list[Metric]:
    """Every cross-row check of the contract with its number; a null-rate check gives one metric per column."""
    found: list[Metric] = []
    for check in table.all_checks():
        match check.kind:
            case CheckKind.UNIQUE_KEY:
                found.append(_unique(con, table, view, check, counts.stats.rows))
            case CheckKind.TIME_IN_PARTITION:
                found.append(_in_day(con, table, view, check, counts))
            case CheckKind.ROWS_LIKE_HISTORY:
                found.append(_rows(check, counts.stats, history))
            case CheckKind.NULLS_LIKE_HISTORY:
                columns = [check.column] if check.column else watched_columns(table)
                found += [_nulls(check, column, counts, history) for column in columns]
            case _:
                continue
    return found


def frame_of(metrics: Sequence[Metric]) -> Any:
    """One row per metric with its `measure` and the band it should be in: what GX judges."""
    import pandas as pd

    numbers = [(float(m.value), float(m.band.low), float(m.band.high)) for m in metrics]
    return pd.DataFrame(numbers, columns=[MEASURE, LOW, HIGH])


def duplicates(con: duckdb.DuckDBPyConnection, table: Table, view: str, rows: int) -> int:
    """Rows that share their key with another row, less one per key. Memory is bounded: the keys are hashed in passes."""
    key = ", ".join(f'"{c}"' for c in table.key)
    passes = max(1, math.ceil(rows / PASS_ROWS))
    total = 0
    for number in range(passes):
        part = f"WHERE hash({key}) % {passes} = {number}" if passes > 1 else ""
        suspects = con.execute(
            f'SELECT h FROM (SELECT hash({key}) AS h FROM "{view}" {part}) GROUP BY h HAVING count(*) > 1'
        ).fetchnumpy()["h"]
        if len(suspects):
            total += _confirmed(con, view, key, suspects)
    return total


def _confirmed(con: duckdb.DuckDBPyConnection, view: str, key: str, suspects: Any) -> int:
    """Equal hashes are suspects; equal keys are duplicates."""
    import pyarrow as pa

    con.register("suspect_keys", pa.table({"h": suspects}))
    try:
        row = con.execute(
            f'SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM "{view}" '
            f"WHERE hash({key}) IN (SELECT h FROM suspect_keys) GROUP BY {key})"
        ).fetchall()[0]
    finally:
        con.unregister("suspect_keys")
    return int(row[0])


def _outside(table: Table) -> str:
    """How many rows are not of the day given as parameter."""
    return f"count(*) FILTER (WHERE {_is_outside(table.time_column)})" if table.time_column else "0"


def _is_outside(column: str) -> str:
    """Also true of what is no time at all."""
    return f'coalesce(CAST(TRY_CAST("{column}" AS TIMESTAMP) AS DATE) <> ?, true)'


def _unique(con: duckdb.DuckDBPyConnection, table: Table, view: str, check: Check, rows: int) -> Metric:
    doubled = duplicates(con, table, view, rows)
    said = f"{doubled:,} duplicate rows"
    if doubled:
        key = ", ".join(f'"{c}"' for c in table.key)
        query = f'SELECT "{table.key[0]}" FROM "{view}" GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 9'
        said += f", {table.key[0]} like {examples(table[table.key[0]], _first(con, query, []))}"
    named = Check(check.kind, check.severity, ", ".join(table.key))
    return Metric(named, doubled, Band(0, 0, "no key twice"), said, doubled)


def _in_day(con: duckdb.DuckDBPyConnection, table: Table, view: str, check: Check, counts: Counts) -> Metric:
    said = f"{counts.outside:,} rows outside the day"
    if counts.outside:
        query = (
            f'SELECT DISTINCT "{check.column}" AS t FROM "{view}" WHERE {_is_outside(check.column)} ORDER BY t LIMIT 9'
        )
        said += f", {check.column} like {examples(table[check.column], _first(con, query, [counts.stats.day]))}"
    band = Band(0, 0, "every row within the partition's UTC day")
    return Metric(check, counts.outside, band, said, counts.outside)


def _first(con: duckdb.DuckDBPyConnection, query: str, parameters: list[object]) -> list[object]:
    return [row[0] for row in con.execute(query, parameters).fetchall()]


def _rows(check: Check, stats: PartitionStats, history: Sequence[PartitionStats]) -> Metric:
    return Metric(check, stats.rows, usual_rows(history, stats.day), f"{stats.rows:,} rows", 0, stats.rows)


def _nulls(check: Check, column: str, counts: Counts, history: Sequence[PartitionStats]) -> Metric:
    rows, empty = counts.stats.rows, counts.stats.null_counts[column]
    share = empty / rows if rows else 0.0
    band = usual_nulls(history, column, rows, day=counts.stats.day, is_missing=column in counts.missing)
    said = "in no row at all" if column in counts.missing else f"{100 * share:.1f} % empty"
    return Metric(Check(check.kind, check.severity, column), share, band, said, empty, share)
