"""Which partitions the published file should hold, and the exchange of those whose content differs from what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.lake.declared import STORED
from pipelines.lake.ledger import LakeFile, Partition
from pipelines.lake.partitions import Lake, reading

_ALL_DAYS = frozenset({"out__detection_evidence"})  # alerts of all days are folded, and what they rest on stays
_LATEST_ONLY = frozenset({"core__user", "out__access", "out__exposed_resource"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A partition that the file should hold, and its files."""

    part: Partition
    files: Sequence[LakeFile]


def planned(lake: Lake, warehouse_days: int) -> list[Wanted]:
    """Of each stored table the last `warehouse_days` that landed; asks the ledger, so in the thread that the store belongs to."""
    held = [p for p in lake.ledger.all() if p.table in STORED and p.quality != "failed"]
    newest: dict[tuple[str, str], date] = {}
    for part in held:
        key = (part.table, part.instance)
        newest[key] = max(newest.get(key, part.day), part.day)
    files = lake.ledger.files_by_partition()
    return [
        Wanted(part, files.get((part.instance, part.table, part.day), ()))
        for part in held
        if part.day >= _oldest(part.table, newest[part.table, part.instance], warehouse_days)
    ]


def _oldest(table: str, newest: date, warehouse_days: int) -> date:
    if table in _ALL_DAYS:
        return date.min
    return newest if table in _LATEST_ONLY else newest - timedelta(days=warehouse_days - 1)


def load(lake: Lake, con: duckdb.DuckDBPyConnection, plan: Sequence[Wanted]) -> tuple[int, int]:
    """(partitions replaced, rows written): replaces what differs, drops what aged out or is gone. Asks the ledger nothing."""
    replaced = rows = 0
    for name, stored in STORED.items():
        wanted = {(w.part.instance, w.part.day): w for w in plan if w.part.table == name}
        loaded = con.execute(
            'SELECT instance, event_date, content_hash FROM wh.loaded WHERE "table" = ?', [name]
        ).fetchall()
        held = {(instance, day): digest for instance, day, digest in loaded}
        for instance, day in _stale(held, wanted):
            con.execute(f"DELETE FROM wh.{stored} WHERE instance = ? AND event_date = ?", [instance, day])
            con.execute(
                'DELETE FROM wh.loaded WHERE "table" = ? AND instance = ? AND event_date = ?', [name, instance, day]
            )
        fresh = [w for key, w in wanted.items() if held.get(key) != w.part.content_hash]
        rows += _insert(lake, con, contract(name), stored, fresh)
        replaced += len(fresh)
    return replaced, rows


def _stale(held: dict[tuple[str, date], str], wanted: dict[tuple[str, date], Wanted]) -> Iterator[tuple[str, date]]:
    for key, digest in held.items():
        if key not in wanted or wanted[key].part.content_hash != digest:
            yield key


def _insert(lake: Lake, con: duckdb.DuckDBPyConnection, table: Table, stored: str, fresh: Sequence[Wanted]) -> int:
    """Insert whole partitions in day order: a rebuild reads each file once."""
    columns = ", ".join(f'"{c}"' for c in table.columns)
    for one in sorted(fresh, key=lambda w: (w.part.instance, w.part.day)):
        if files := [lake.verified(found) for found in one.files]:
            con.execute(f"INSERT INTO wh.{stored} ({columns}) SELECT {columns} FROM ({reading(table, files)})")
    if fresh:
        con.executemany(
            "INSERT INTO wh.loaded VALUES (?, ?, ?, ?)",
            [[table.name, w.part.instance, w.part.day, w.part.content_hash] for w in fresh],
        )
    return sum(w.part.rows for w in fresh)
