"""Views of `mart` over stored tables that a test fills by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.mart import views


@contextmanager
def marts(stored: Mapping[str, str], names: Sequence[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables `wh.<key>` of the contracts in `stored`, and the views `names` over them."""
    with duckdb.connect() as made:
        made.execute("CREATE SCHEMA wh; CREATE SCHEMA mart")
        for table, declared in stored.items():
            for statement in contract(declared).ddl(f"wh.{table}"):
                made.execute(statement)
        for name in names:
            for statement in views()[name].ddl():
                made.execute(statement)
        yield made


def fill(con: duckdb.DuckDBPyConnection, table: str, declared: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows into `wh.<table>`; columns that they do not name are null."""
    con.register("_rows", pa.Table.from_pylist(list(rows), schema=contract(declared).arrow_schema()))
    con.execute(f"INSERT INTO wh.{table} BY NAME SELECT * FROM _rows")
