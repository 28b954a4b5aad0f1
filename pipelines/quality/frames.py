"""Bounded pandas frames of the columns that have row checks, streamed out of DuckDB.

A row check depends on one value, so a value needs to be judged once: where a large partition holds few different
values of a column, the frame holds those and how many rows carry each. Columns whose rows nearly all differ go
through in chunks. A column that is only asked to be there is reduced to whether it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.contracts.table import Check, CheckKind, Dtype, Table
from pipelines.quality.metrics import filled

SMALL = 10_000  # rows up to which one frame of plain rows is the cheapest
FEW = 100_000  # different values up to which a column is judged by them
CHUNK = 200_000  # rows of a chunk


@dataclass(frozen=True, slots=True)
class Frame:
    """`data` has one column per checked column; `weights[i]` rows of the partition look like row i (None: one each)."""

    data: Any
    columns: tuple[str, ...]
    weights: Any = None


def judged_values(table: Table, checks: Sequence[Check]) -> dict[str, str]:
    """Checked column -> SQL of what GX sees of it."""
    kinds: dict[str, set[CheckKind]] = {}
    for check in checks:
        kinds.setdefault(check.column, set()).add(check.kind)
    return {column: _value(table, column, asked) for column, asked in kinds.items()}


def _value(table: Table, column: str, asked: set[CheckKind]) -> str:
    value = filled(table, column) if table[column].required else f'"{column}"'
    if asked == {CheckKind.NOT_NULL}:
        return f"CASE WHEN {value} IS NOT NULL THEN 1 END"
    if table[column].dtype is Dtype.FLOAT64:
        return f"CASE WHEN isnan({value}) THEN 'Infinity'::DOUBLE ELSE {value} END"  # pandas takes NaN for missing
    return value


def frames(
    con: duckdb.DuckDBPyConnection, view: str, values: Mapping[str, str], rows: int, different: Mapping[str, int]
) -> Iterator[Frame]:
    """Frames that together show every row of every column of `values`; each fits in a few dozen MB."""
    if rows <= SMALL:
        yield from _chunks(con, view, values, SMALL)
        return
    few = {column: sql for column, sql in values.items() if different[column] <= min(FEW, rows // 4)}
    for column, sql in few.items():
        found = con.sql(
            f'SELECT {sql} AS "{column}", count(*) AS n FROM "{view}" GROUP BY 1 ORDER BY 1'
        ).to_arrow_table()
        yield Frame(found.select([column]).to_pandas(), (column,), found["n"].to_numpy())
    many = {column: sql for column, sql in values.items() if column not in few}
    if many:
        yield from _chunks(con, view, many, CHUNK)


def _chunks(con: duckdb.DuckDBPyConnection, view: str, values: Mapping[str, str], size: int) -> Iterator[Frame]:
    """Plain rows, at most about `size` a frame. The connection is busy until the last one."""
    import pyarrow as pa

    selected = ", ".join(f'{sql} AS "{column}"' for column, sql in values.items())
    reader = con.sql(f'SELECT {selected} FROM "{view}"').to_arrow_reader(size)
    held: list[pa.RecordBatch] = []
    started = False
    for batch in reader:
        held.append(batch)
        if sum(b.num_rows for b in held) >= size:
            yield Frame(pa.Table.from_batches(held).to_pandas(), tuple(values))
            held, started = [], True
    if held or not started:
        yield Frame(pa.Table.from_batches(held, schema=reader.schema).to_pandas(), tuple(values))
