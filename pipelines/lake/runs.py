"""What each run did: one row per step, table and day, kept in the state store and published as `mart.runs`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Protocol

import pyarrow as pa

from pipelines.state_store import StateStore
from pipelines.window import utc_now

SCHEMA = (
    """CREATE TABLE run (
        run_uid TEXT NOT NULL, instance TEXT NOT NULL, event_date TEXT NOT NULL, step TEXT NOT NULL, table_name TEXT NOT NULL,
        state TEXT NOT NULL, rows INTEGER NOT NULL, seconds REAL NOT NULL, message TEXT NOT NULL, time TEXT NOT NULL)""",
    "CREATE INDEX run_time ON run (instance, time)",
)
KEPT_DAYS = 400

ARROW = pa.schema(
    [
        ("instance", pa.string()), ("run_uid", pa.string()), ("event_date", pa.date32()), ("step", pa.string()),
        ("table", pa.string()), ("state", pa.string()), ("rows", pa.int64()), ("seconds", pa.float64()),
        ("message", pa.string()), ("time", pa.timestamp("us")),
    ]
)  # fmt: skip


class RunRow(Protocol):
    """What a step says of one table on one day; `table` is empty for the step as a whole."""

    @property
    def step(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def state(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def message(self) -> str: ...


class Runs:
    """Append and read the rows."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        store.migrate("runs", SCHEMA)

    def record(self, run_uid: str, instance: str, rows: Iterable[RunRow]) -> None:
        with self.store.transaction() as connection:
            connection.executemany(
                f"INSERT INTO run ({_COLUMNS}) VALUES ({', '.join('?' * len(ARROW))})", _values(run_uid, instance, rows)
            )

    def all(self, run_uid: str = "", instance: str = "", also: Iterable[RunRow] = ()) -> pa.Table:
        """Every kept row, oldest first, in the shape of `mart.runs`; then `also`, rows that are not kept yet."""
        rows = [*self.store.query(f"SELECT {_COLUMNS} FROM run ORDER BY rowid"), *_values(run_uid, instance, also)]
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * len(ARROW)
        columns[2] = tuple(date.fromisoformat(v) for v in columns[2])
        columns[9] = tuple(datetime.fromisoformat(v) for v in columns[9])
        return pa.table([pa.array(c, type=f.type) for c, f in zip(columns, ARROW, strict=True)], schema=ARROW)


_COLUMNS = "instance, run_uid, event_date, step, table_name, state, rows, seconds, message, time"


def _values(run_uid: str, instance: str, rows: Iterable[RunRow]) -> list[tuple[Any, ...]]:
    now = str(utc_now())
    return [(instance, run_uid, str(r.day), r.step, r.table, r.state, r.rows, r.seconds, r.message, now) for r in rows]
