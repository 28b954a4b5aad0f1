"""A made instance as plain rows, and the same instance as a snapshot that the engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.posture.core import TableState, TableView
from pipelines.posture.registry import reads

DAY = date(2026, 3, 4)
Row = Mapping[str, str | int | None]

#: What every instance has, so that nothing is empty that never is.
BASE: Mapping[str, tuple[Row, ...]] = {
    "sys_properties": ({"name": "glide.product.name", "value": "ServiceNow"},),
    "v_plugin": ({"id": "com.glide.email", "active": "active"},),
    "sys_plugins": ({"source": "com.glide.email", "active": "true"},),
}


@dataclass(frozen=True)
class World:
    """Rows by table (a table that is not named has none), how tables can be read, and columns that cannot."""

    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    states: Mapping[str, TableState] = field(default_factory=dict)  # else ok, or empty without rows
    unread: frozenset[str] = frozenset()
    hidden_columns: frozenset[tuple[str, str]] = frozenset()
    family: str | None = None
    day: date = DAY

    def of(self, table: str) -> tuple[Row, ...]:
        return (*BASE.get(table, ()), *self.rows.get(table, ()))

    def state(self, table: str) -> TableState:
        stated = self.states.get(table)
        return stated or ("ok" if self.of(table) else "empty")

    def having(self, rows: Mapping[str, tuple[Row, ...]]) -> World:
        """The same world with more rows."""
        return replace(self, rows={t: (*self.rows.get(t, ()), *rows.get(t, ())) for t in {*self.rows, *rows}})


def properties(values: Mapping[str, str]) -> dict[str, tuple[Row, ...]]:
    """System properties as rows."""
    return {"sys_properties": tuple({"name": name, "value": value} for name, value in values.items())}


def snapshot(
    world: World, asked: Mapping[str, frozenset[str]] | None = None
) -> tuple[duckdb.DuckDBPyConnection, dict[str, TableView]]:
    """The tables of the world in DuckDB: those that are asked for, or every one that some recommendation reads."""
    con = duckdb.connect()
    views = {}
    for table, declared in (reads() if asked is None else asked).items():
        if table in world.unread:
            continue
        columns = {*declared, *({"private", "type"} if table == "sys_properties" else ())}
        visible = frozenset(columns - {column for t, column in world.hidden_columns if t == table})
        state = world.states.get(table) or ("ok" if world.of(table) else "empty")
        if state in {"ok", "empty", "partial"}:
            con.register(f"w_{table}", _arrow(world.of(table), sorted(columns)))
        hidden = 2 if state == "partial" else 0
        views[table] = TableView(f"w_{table}", visible, state, hidden_rows=hidden)
    return con, views


def _arrow(rows: tuple[Row, ...], columns: list[str]) -> pa.Table:
    kind = {"rows": pa.int64()}
    return pa.table(
        {column: pa.array([row.get(column) for row in rows], kind.get(column, pa.string())) for column in columns}
    )
