"""A small valid partition of any contract, and ways to break exactly one check of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa

from pipelines.contracts.raw._entra import ZULU_PATTERN
from pipelines.contracts.raw._fields import DATE_TIME_PATTERN, SYS_ID_PATTERN
from pipelines.contracts.table import Check, CheckKind, Dtype, Field, Table
from pipelines.quality import PartitionStats

DAY = date(2026, 3, 4)
INSTANCE = "acme"
ROWS = 40

Columns = dict[str, list[Any]]


def valid(table: Table, rows: int = ROWS) -> Columns:
    """Column -> values that meet every check of the contract."""
    return {name: list(values) for name, values in _valid(table, min(rows, most_rows(table)))}


@cache
def _valid(table: Table, rows: int) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    bands = {c.column: c for c in table.all_checks() if c.kind is CheckKind.BETWEEN}
    return tuple((f.name, tuple(_value(table, f, i, bands.get(f.name)) for i in range(rows))) for f in table.all_fields)


def most_rows(table: Table) -> int:
    """One where the key is the instance alone: a second row would be the first once more."""
    return 1 if set(table.key) <= {"instance", "event_date"} else ROWS


def _value(table: Table, f: Field, i: int, band: Check | None) -> Any:
    moment = datetime(DAY.year, DAY.month, DAY.day, 10) + timedelta(seconds=i)
    if f.name in {"instance", "event_date"}:
        return INSTANCE if f.name == "instance" else DAY
    if f.one_of:
        return f.one_of[i % len(f.one_of)] if f.name not in table.key else f.one_of[0]
    if f.pattern:
        texts = {
            SYS_ID_PATTERN: f"{i:032x}",
            DATE_TIME_PATTERN: f"{moment:%Y-%m-%d %H:%M:%S}",
            ZULU_PATTERN: f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        }
        return texts[f.pattern]
    number = float(i)
    if band and (low := band.low) is not None:
        number = low if band.high is not None and band.high < low + 3 else low + 1 + i % 3
    return {
        Dtype.STRING: f"{f.name} {i}", Dtype.INT64: int(number), Dtype.FLOAT64: float(number), Dtype.BOOL: i % 2 == 0,
        Dtype.TIMESTAMP: moment, Dtype.DATE: DAY, Dtype.STRINGS: [f"x{i}"],
    }[f.dtype]  # fmt: skip


def as_arrow(table: Table, columns: Columns) -> pa.Table:
    return pa.table(columns, schema=table.arrow_schema())


def usual(table: Table, rows: int = 110, days: int = 14) -> list[PartitionStats]:
    """A past in which every column was always filled."""
    nulls = {f.name: 0 for f in table.all_fields}
    return [PartitionStats(DAY - timedelta(days=i), rows, nulls) for i in range(days, 0, -1)]


def broken(table: Table, check: Check) -> Columns:
    """A partition that fails `check` of `table` and nothing else, but for what the same cell must also break."""
    columns = valid(table)
    bad = most_rows(table) // 2
    match check.kind:
        case CheckKind.NOT_NULL:
            columns[check.column][bad] = None
        case CheckKind.ONE_OF:
            columns[check.column][bad] = "unheard-of"
        case CheckKind.MATCHES:
            columns[check.column][bad] = "<script>\n"
        case CheckKind.BETWEEN:
            over = check.low - 1 if check.low is not None else (check.high or 0) + 1
            columns[check.column][bad] = int(over) if table[check.column].dtype is Dtype.INT64 else over
        case CheckKind.UNIQUE_KEY:
            if bad == 0:
                return {name: values * 2 for name, values in columns.items()}
            for column in table.key:
                columns[column][bad] = columns[column][0]
        case CheckKind.TIME_IN_PARTITION:
            late = datetime(DAY.year, DAY.month, DAY.day) + timedelta(days=1)
            is_text = table[check.column].dtype is Dtype.STRING
            columns[check.column][bad] = f"{late:%Y-%m-%d %H:%M:%S}" if is_text else late
        case CheckKind.ROWS_LIKE_HISTORY:
            return valid(table, 2)
        case CheckKind.NULLS_LIKE_HISTORY:
            columns[check.column] = [None] * most_rows(table)
    return columns
