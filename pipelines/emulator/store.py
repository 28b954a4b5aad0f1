"""Rows of the instance in one SQLite file: text columns, case-insensitive, indexed for keyset paging."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.emulator.clock import WIRE, Clock
from pipelines.emulator.organisation.world import Change
from pipelines.emulator.schema import TableSchema, schema_for

Row = Mapping[str, str]
BATCH = 20_000
LATE = "_visible_at"


class Store:
    """Readers run side by side on connections of their own; one writer at a time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.folder = Path(tempfile.mkdtemp(prefix="nowguard-emulator-"))
        self.schemas: dict[str, TableSchema] = {}
        self._local = threading.local()
        self._write = threading.RLock()
        self._changes: list[Change] = []
        self._next_change = 0

    # -- filling

    def create(self, schema: TableSchema) -> None:
        columns = ", ".join(f"\"{c}\" TEXT NOT NULL DEFAULT '' COLLATE NOCASE" for c in schema.columns)
        with self._write:
            self._connection().execute(f'CREATE TABLE "{schema.name}" ({columns}, "{LATE}" TEXT NOT NULL DEFAULT \'\')')
            self.schemas[schema.name] = schema
            self._index(schema)

    def hide_column(self, table: str, column: str) -> None:
        """The release has no such column: nothing reads, filters or writes it."""
        schema = self.schemas[table]
        self.schemas[table] = replace(schema, columns=tuple(c for c in schema.columns if c != column))

    def _index(self, schema: TableSchema) -> None:
        con, name = self._connection(), schema.name
        con.execute(f'CREATE UNIQUE INDEX "{name}_id" ON "{name}" (sys_id)')
        con.execute(f'CREATE INDEX "{name}_late" ON "{name}" ("{LATE}") WHERE "{LATE}" <> \'\'')
        if "sys_created_on" in schema.columns:
            con.execute(f'CREATE INDEX "{name}_time" ON "{name}" (sys_created_on, sys_id)')

    def _drop_indexes(self, table: str) -> None:
        for kind in ("id", "late", "time"):
            self._connection().execute(f'DROP INDEX IF EXISTS "{table}_{kind}"')

    def load(self, table: str, frame: pl.DataFrame) -> None:
        """Insert a whole frame of text columns, the last row of each `sys_id`; the table is created where it does not exist."""
        columns = [c for c in frame.columns if c != LATE]
        if table not in self.schemas:
            self.create(schema_for(table, tuple(dict.fromkeys(["sys_id", *columns]))))
        named = [c for c in frame.columns if c == LATE or c in self.schemas[table].columns]
        marks = ", ".join("?" * len(named))
        quoted = ", ".join(f'"{c}"' for c in named)
        text = frame.select([pl.col(c).cast(pl.String).fill_null("") for c in named])
        if "sys_id" in named:
            text = text.unique(subset="sys_id", keep="last", maintain_order=True)
        with self._write:
            con = self._connection()
            con.execute("BEGIN")
            # an index that is built once over all rows costs a third of one that grows with them
            is_fresh = not con.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()
            if is_fresh:
                self._drop_indexes(table)
            for part in text.iter_slices(BATCH):
                con.executemany(f'INSERT OR REPLACE INTO "{table}" ({quoted}) VALUES ({marks})', part.rows())
            if is_fresh:
                self._index(self.schemas[table])
            con.execute("COMMIT")

    def script(self, changes: Iterable[Change]) -> None:
        """Changes to apply as the clock passes them."""
        self._changes = sorted([*self._changes[self._next_change :], *changes], key=lambda c: c.at)
        self._next_change = 0

    def settle(self) -> None:
        """Apply every scripted change that is due."""
        now = self.clock.now()
        if self._next_change >= len(self._changes) or self._changes[self._next_change].at > now:
            return
        with self._write:
            con = self._connection()
            con.execute("BEGIN")
            while self._next_change < len(self._changes) and self._changes[self._next_change].at <= now:
                self._apply(con, self._changes[self._next_change])
                self._next_change += 1
            con.execute("COMMIT")

    def _apply(self, con: sqlite3.Connection, change: Change) -> None:
        if change.table not in self.schemas:
            return
        if change.values is None:
            con.execute(f'DELETE FROM "{change.table}" WHERE sys_id = ?', (change.sys_id,))
            return
        known = {k: v for k, v in change.values.items() if k in self.schemas[change.table].columns}
        if con.execute(f'SELECT 1 FROM "{change.table}" WHERE sys_id = ?', (change.sys_id,)).fetchone():
            self._update(con, change.table, change.sys_id, known)
        else:
            self._insert(con, change.table, {"sys_id": change.sys_id, **known})

    # -- reading

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection().execute(sql, params).fetchall()

    def visible(self, table: str, alias: str) -> tuple[str, list[str]]:
        """The condition that hides what is not there yet, is late, or was rotated away; with its parameters."""
        schema, now = self.schemas[table], self.clock.now()
        if "sys_created_on" not in schema.columns:
            return "1", []
        wire = now.strftime(WIRE)
        terms, params = [f'{alias}."sys_created_on" <= ?'], [wire]
        late = f'"{table}" WHERE "{LATE}" <> \'\' AND "{LATE}" > ?'
        if self.rows(f"SELECT 1 FROM {late} LIMIT 1", [wire]):  # by rowid: a count then never leaves the index
            terms.append(f"{alias}.rowid NOT IN (SELECT rowid FROM {late})")
            params.append(wire)
        if schema.rotation_days:
            oldest = (now - timedelta(days=schema.rotation_days)).replace(hour=0, minute=0, second=0, microsecond=0)
            terms.append(f'{alias}."sys_created_on" >= ?')
            params.append(oldest.strftime(WIRE))
        return " AND ".join(terms), params

    def record(self, table: str, sys_id: str) -> dict[str, str] | None:
        """One row that is visible now."""
        if table not in self.schemas:
            return None
        columns = self.schemas[table].columns
        condition, params = self.visible(table, "t")
        named = ", ".join(f't."{c}"' for c in columns)
        found = self.rows(f'SELECT {named} FROM "{table}" t WHERE t.sys_id = ? AND {condition}', [sys_id, *params])
        return dict(zip(columns, found[0], strict=True)) if found else None

    # -- writing

    def insert(self, table: str, row: Row) -> None:
        with self._write:
            self._insert(self._connection(), table, row)

    def update(self, table: str, sys_id: str, values: Row) -> None:
        with self._write:
            self._update(self._connection(), table, sys_id, values)

    def delete(self, table: str, sys_id: str) -> None:
        with self._write:
            self._connection().execute(f'DELETE FROM "{table}" WHERE sys_id = ?', (sys_id,))

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Writes of the block that are undone where it raises."""
        with self._write:
            con = self._connection()
            con.execute("SAVEPOINT trial")
            try:
                yield
            except BaseException:
                con.execute("ROLLBACK TO trial")
                raise
            finally:
                con.execute("RELEASE trial")

    def _insert(self, con: sqlite3.Connection, table: str, row: Row) -> None:
        named = [c for c in row if c in self.schemas[table].columns]
        quoted = ", ".join(f'"{c}"' for c in named)
        con.execute(
            f'INSERT OR REPLACE INTO "{table}" ({quoted}) VALUES ({", ".join("?" * len(named))})',
            [row[c] for c in named],
        )

    def _update(self, con: sqlite3.Connection, table: str, sys_id: str, values: Row) -> None:
        named = [c for c in values if c in self.schemas[table].columns and c != "sys_id"]
        if named:
            sets = ", ".join(f'"{c}" = ?' for c in named)
            con.execute(f'UPDATE "{table}" SET {sets} WHERE sys_id = ?', [*(values[c] for c in named), sys_id])

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(
                self.folder / "instance.sqlite", isolation_level=None, timeout=30, check_same_thread=False
            )
            found.execute("PRAGMA journal_mode=WAL")
            found.execute("PRAGMA synchronous=OFF")
            found.execute("PRAGMA cache_size=-65536")
            self._local.connection = found
        return found

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
