"""A small raw lake in memory: rows are given as a few columns, the rest is empty as on the wire."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import conform
from pipelines.contracts import contract, sources
from pipelines.contracts.table import Table

DAY = date(2026, 9, 24)
INSTANCE = "acme"


def sys_id(text: object) -> str:
    return hashlib.md5(str(text).encode()).hexdigest()


def at(clock: str, day: date = DAY) -> str:
    """'09:30:00' of the day, as the wire has it."""
    return f"{day} {clock}"


class Night:
    """Raw tables by ServiceNow name. `add` fills what a row leaves out: a fresh sys_id, '' elsewhere."""

    def __init__(self, day: date = DAY) -> None:
        self.day = day
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in sources()}
        self.previous: dict[str, list[dict[str, Any]]] = {}
        self.taken_on = day

    def add(self, source: str, clock: str = "12:00:00", /, **columns: Any) -> str:
        row = dict(columns)
        fresh = sys_id(f"{source}{len(self.rows[source])}")
        row.setdefault("sys_id", fresh)
        if "sys_created_on" in sources()[source].columns:
            row.setdefault("sys_created_on", clock if len(clock) > 8 else at(clock, self.day))
        self.rows[source].append(row)
        return str(row["sys_id"])

    def event(self, clock: str, name: str, parm1: str = "", parm2: str = "", /, **columns: Any) -> str:
        return self.add("sysevent", clock, name=name, parm1=parm1, parm2=parm2, state="processed", **columns)

    def request(self, clock: str, user: str, url: str, **columns: Any) -> str:
        given = {"type": "other", "remote_ip": "198.51.100.9", "user_agent": "Mozilla/5.0 (X11) Firefox/140.0",
                 "session": sys_id("session of " + user), "output_length": "1000"}  # fmt: skip
        return self.add("syslog_transaction", clock, sys_created_by=user, url=url, **{**given, **columns})

    def user(self, name: str, /, **columns: Any) -> str:
        given = {"user_name": name, "active": "true", "sys_created_on": "2020-01-01 00:00:00", "locked_out": "false"}
        return self.add("sys_user", sys_id=columns.pop("sys_id", sys_id("user " + name)), **{**given, **columns})

    # --- running
    def connect(self, days: Iterable[date] | None = None) -> duckdb.DuckDBPyConnection:
        """Raw tables as DuckDB tables; of logs only the rows of `days`, where given."""
        con = duckdb.connect()
        kept = None if days is None else {str(day) for day in days}
        for name, table in sources().items():
            rows = [self._filled(table, row) for row in self.rows[name]]
            if kept is not None and table.time_column:
                rows = [row for row in rows if str(row["event_date"]) in kept]
            _create(con, table.name, table, rows)
        for name, held in self.previous.items():
            table = sources()[name]
            _create(con, f"{table.name}__previous", table, [self._filled(table, row) for row in held])
        return con

    def activities(self, day: date | None = None, **options: Any) -> list[dict[str, Any]]:
        found = conform.activities(self.connect(), INSTANCE, day or self.day, **options)
        rows: list[dict[str, Any]] = found.order("time, activity_uid").to_arrow_table().to_pylist()
        return rows

    def only(self, name: str, **options: Any) -> dict[str, Any]:
        """The one activity of that name."""
        [found] = [row for row in self.activities(**options) if row["activity_name"] == name]
        return found

    def names(self, **options: Any) -> list[str]:
        return [row["activity_name"] for row in self.activities(**options)]

    def users(self, day: date | None = None) -> dict[str, dict[str, Any]]:
        rows = conform.users(self.connect(), INSTANCE, day or self.day).to_arrow_table().to_pylist()
        return {row["user_name"]: row for row in rows}

    def _filled(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        filled = {f.name: row.get(f.name, "") for f in table.all_fields}
        filled["instance"] = INSTANCE
        filled["event_date"] = date.fromisoformat(row["sys_created_on"][:10]) if table.time_column else self.taken_on
        if "observed_at" in filled:
            filled["observed_at"] = datetime.combine(self.taken_on, datetime.min.time()) + timedelta(hours=23)
        return filled


def _create(con: duckdb.DuckDBPyConnection, name: str, table: Table, rows: list[dict[str, Any]]) -> None:
    con.register("given", pa.Table.from_pylist(rows, schema=table.arrow_schema()))
    con.execute(f'CREATE TABLE "{name}" AS FROM given').fetchall()
    con.unregister("given")


def core(rows: duckdb.DuckDBPyRelation) -> pa.Table:
    """A relation that must have exactly the columns of `core__activity`."""
    found = rows.to_arrow_table()
    assert found.column_names == list(contract("core__activity").columns)
    return found
