"""Put an organisation's rows straight into a lake, as a night-by-night extraction would have left them, without HTTP.

Logs land by the day of `sys_created_on`. Slow tables land once a day as they stood at its end, by the scripted changes.
Late rows are taken as found by the look-back. An attachment lands as it stood at the end of the day it was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.contracts import contract, sources
from pipelines.contracts.table import Table, empty
from pipelines.emulator.clock import Clock
from pipelines.emulator.entra import Directory
from pipelines.emulator.organisation import Change, World
from pipelines.lake import Lake, Lease
from pipelines.window import DAY

DIRECTORY = ("entra_user", "entra_deleted_user")
CONTEXT_DAYS = 30  # attachments made so long before the first day are read at first contact
Rows = dict[str, dict[str, str]]


def land(world: World, lake: Lake, lease: Lease, instance: str) -> list[date]:
    """All raw partitions of the world's days, and `out__table_state` saying that everything was readable."""
    days = [world.start.date() + DAY * i for i in range((world.end - world.start).days)]
    for name, table in sources().items():
        if table.source is not None and table.source.mode == "append":
            _land_log(world, lake, lease, instance, name, table, days)
    _land_snapshots(world, lake, lease, instance, days)
    _land_directory(world, lake, lease, instance, days)
    for day in days:
        lake.replace(lease, contract("out__table_state"), instance, day, _states(world, instance, day))
    return days


def _land_log(
    world: World, lake: Lake, lease: Lease, instance: str, name: str, table: Table, days: Sequence[date]
) -> None:
    if name not in world.tables:
        rows = pl.DataFrame(schema=dict.fromkeys(("sys_id", "sys_created_on"), pl.String))
    else:
        rows = world.tables[name]
    if name == "sys_attachment":
        rows = _as_first_read(rows, [c for c in world.changes if c.table == name])
    by_day = {str(key[0]): part for key, part in rows.group_by(pl.col("sys_created_on").str.slice(0, 10))}
    older = [day for day in map(date.fromisoformat, sorted(by_day)) if days[0] - CONTEXT_DAYS * DAY <= day < days[0]]
    for day in [*older, *days]:
        found = by_day.get(day.isoformat())
        data = empty(table) if found is None else as_raw(table, found, instance, day)
        lake.replace(lease, table, instance, day, data)


def _as_first_read(rows: pl.DataFrame, changes: Sequence[Change]) -> pl.DataFrame:
    """What is written to a file on the day it was made is seen; what happens to it later is not read again."""
    made = dict(rows.select("sys_id", "sys_created_on").iter_rows())
    same_day = [c for c in changes if f"{c.at:%Y-%m-%d}" == made.get(c.sys_id, "")[:10]]
    gone = {c.sys_id for c in same_day if c.values is None}
    kept = rows.filter(~pl.col("sys_id").is_in(list(gone)))
    changed = {c.sys_id: c.values for c in same_day if c.values is not None and c.sys_id not in gone}
    if not changed:
        return kept
    new = [{**row, **changed[row["sys_id"]]} for row in kept.filter(pl.col("sys_id").is_in(list(changed))).to_dicts()]
    return pl.concat([kept.filter(~pl.col("sys_id").is_in(list(changed))), pl.DataFrame(new, schema=kept.schema)])


def _land_snapshots(world: World, lake: Lake, lease: Lease, instance: str, days: Sequence[date]) -> None:
    slow = {name: table for name, table in sources().items() if table.source and table.source.mode == "snapshot"}
    held: dict[str, Rows] = {
        name: {_key(row): row for row in world.tables[name].to_dicts()} for name in slow if name in world.tables
    }
    schemas = {name: world.tables[name].schema for name in held}
    for day, changes in _by_day(world.changes, days):
        for change in changes:
            if change.table in held:
                _apply(held[change.table], change)
        for name, rows in held.items():
            frame = pl.DataFrame(list(rows.values()), schema=schemas[name])
            lake.replace(lease, slow[name], instance, day, as_raw(slow[name], frame, instance, day))


def _land_directory(world: World, lake: Lake, lease: Lease, instance: str, days: Sequence[date]) -> None:
    """The identity provider's users and deleted users as each night's run finds them, half an hour into the next day."""
    clock = Clock(world.start)
    directory = Directory(clock, world.directory)
    for day in days:
        seen_at = datetime.combine(day, datetime.min.time()) + timedelta(days=1, minutes=30)
        clock.set(seen_at)
        directory.settle()
        stamp = {"instance": instance, "event_date": day, "observed_at": seen_at}
        for name, is_deleted in (("raw_entra__user", False), ("raw_entra__deleted_user", True)):
            table = contract(name)
            rows = [
                {**{ours: row.get(theirs) for theirs, ours in table.wire_columns.items()}, **stamp}
                for row in directory.listed(deleted=is_deleted)
            ]
            lake.replace(lease, table, instance, day, pa.Table.from_pylist(rows, schema=table.arrow_schema()))


def _key(row: Mapping[str, str]) -> str:
    return row.get("sys_id") or row["id"]


def _apply(rows: Rows, change: Change) -> None:
    if change.values is None:
        rows.pop(change.sys_id, None)
    else:
        rows[change.sys_id] = {**rows.get(change.sys_id, {"sys_id": change.sys_id}), **change.values}


def _by_day(changes: Sequence[Change], days: Sequence[date]) -> Iterator[tuple[date, list[Change]]]:
    """Each day with the changes up to its end that no earlier day had."""
    ordered = sorted(changes, key=lambda c: c.at)
    at = 0
    for day in days:
        end = datetime.combine(day, datetime.min.time()) + timedelta(days=1)
        start = at
        while at < len(ordered) and ordered[at].at < end:
            at += 1
        yield day, ordered[start:at]


def as_raw(table: Table, rows: pl.DataFrame, instance: str, day: date) -> pa.Table:
    """Rows as the source stores them under a raw contract: a column the source does not have is null."""
    wire = table.wire_columns
    named = {ours: pl.col(theirs) for theirs, ours in wire.items() if theirs in rows.columns}
    frame = rows.select(named.get(f.name, _given(f.name, instance, day)).alias(f.name) for f in table.all_fields)
    return frame.sort(table.sort_by).to_arrow().cast(table.arrow_schema())


def _given(column: str, instance: str, day: date) -> pl.Expr:
    given = {
        "instance": pl.lit(instance),
        "event_date": pl.lit(day),
        "observed_at": pl.lit(datetime.combine(day, datetime.min.time()) + timedelta(days=1), dtype=pl.Datetime("us")),
    }
    return given.get(column, pl.lit(None, dtype=pl.String))


def _states(world: World, instance: str, day: date) -> pa.Table:
    end = datetime.combine(day, datetime.min.time()) + timedelta(days=1)
    rows: list[dict[str, Any]] = [
        {"instance": instance, "event_date": day, "table": name, "state": "ok" if name in world.tables or name in DIRECTORY else "missing",
         "reason": "", "missing_columns": [], "hidden_rows": 0, "rows": 0, "complete_until": end}
        for name in (*sources(), *DIRECTORY)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=contract("out__table_state").arrow_schema())
