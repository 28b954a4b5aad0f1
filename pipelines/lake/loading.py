"""Which partitions the published file should hold, and the exchange of those whose content differs from what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import duckdb

from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.lake.declared import STORED
from pipelines.lake.ledger import Partition
from pipelines.lake.partitions import Lake, reading

_ALL_DAYS = frozenset({"out__detection_evidence"})  # alerts of all days are folded, and what they rest on stays
_LATEST_ONLY = frozenset({"core__user", "out__access", "out__exposed_resource"})


def load(lake: Lake, con: duckdb.DuckDBPyConnection, warehouse_days: int) -> tuple[int, int]:
    """(partitions replaced, rows written): replaces what differs from the ledger, drops what aged out or is gone."""
    replaced = rows = 0
    listed = lake.ledger.all()
    for name, stored in STORED.items():
        table = contract(name)
        wanted = {(p.instance, p.day): p for p in _wanted(listed, table, warehouse_days)}
        loaded = con.execute(
            'SELECT instance, event_date, content_hash FROM wh.loaded WHERE "table" = ?', [name]
        ).fetchall()
        held = {(instance, day): digest for instance, day, digest in loaded}
        stale = [key for key in held if key not in wanted or wanted[key].content_hash != held[key]]
        for instance, day in stale:
            con.execute(f"DELETE FROM wh.{stored} WHERE instance = ? AND event_date = ?", [instance, day])
            con.execute(
                'DELETE FROM wh.loaded WHERE "table" = ? AND instance = ? AND event_date = ?', [name, instance, day]
            )
        fresh = [p for key, p in wanted.items() if held.get(key) != p.content_hash]
        rows += _insert(lake, con, table, stored, fresh)
        replaced += len(fresh)
    return replaced, rows


def _wanted(listed: Sequence[Partition], table: Table, warehouse_days: int) -> Iterator[Partition]:
    held = [p for p in listed if p.table == table.name and p.quality != "failed"]
    newest: dict[str, date] = {}
    for part in held:
        newest[part.instance] = max(newest.get(part.instance, part.day), part.day)
    for part in held:
        if part.day >= _oldest(table, newest[part.instance], warehouse_days):
            yield part


def _oldest(table: Table, newest: date, warehouse_days: int) -> date:
    if table.name in _ALL_DAYS:
        return date.min
    return newest if table.name in _LATEST_ONLY else newest - timedelta(days=warehouse_days - 1)


def _insert(lake: Lake, con: duckdb.DuckDBPyConnection, table: Table, stored: str, parts: Sequence[Partition]) -> int:
    """Insert whole partitions in day order: a rebuild reads each file once."""
    columns = ", ".join(f'"{c}"' for c in table.columns)
    for part in sorted(parts, key=_place):
        if files := lake.files(table, part.instance, [part.day]):
            con.execute(f"INSERT INTO wh.{stored} ({columns}) SELECT {columns} FROM ({reading(table, files)})")
    _remember(con, table, parts)
    return sum(part.rows for part in parts)


def _place(part: Partition) -> tuple[str, date]:
    return part.instance, part.day


def _remember(con: duckdb.DuckDBPyConnection, table: Table, parts: Iterable[Partition]) -> None:
    rows = [[table.name, p.instance, p.day, p.content_hash] for p in parts]
    if rows:
        con.executemany("INSERT INTO wh.loaded VALUES (?, ?, ?, ?)", rows)
