"""The published file: copy the last one, replace what changed, checkpoint, rename. A reader sees the old or the new.

The file is a cache: everything in it comes from the lake, the state store and the frames of the run. It is written in a
storage version that older DuckDB clients open, because BI drivers lag.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Table, empty
from pipelines.errors import StorageError
from pipelines.lake.crashpoints import crashpoint
from pipelines.lake.declared import FRAMES, STORED, create
from pipelines.lake.draft import KEPT, Draft, checksum, drafted
from pipelines.lake.ledger import Partition
from pipelines.lake.partitions import Lake, reading
from pipelines.lake.writer import explained, sync_folder
from pipelines.window import utc_now

STORAGE_VERSION = "v1.4.0"  # opened by DuckDB 1.4 and later
_LATEST_ONLY = frozenset({"core__user", "out__access", "out__exposed_resource"})


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish wrote; `replaced` counts partitions."""

    path: Path
    rows: int
    replaced: int
    rebuilt: bool
    bytes: int
    seconds: float


def publish(
    lake: Lake, frames: Mapping[str, pa.Table], *, runs: pa.Table, warehouse_days: int = 90, rebuild: bool = False,
    memory_limit: str = "2GB", threads: int = 2,
) -> Published:  # fmt: skip
    """Bring the warehouse to what the ledger says, with `frames` (alerts, behaviors, alert_evidence, models) and the run log."""
    with drafted(lake, rebuild=rebuild) as draft:
        return publish_draft(
            lake, draft(), frames, runs=runs, warehouse_days=warehouse_days, memory_limit=memory_limit, threads=threads
        )


def publish_draft(
    lake: Lake, draft: Draft, frames: Mapping[str, pa.Table], *, runs: pa.Table, warehouse_days: int = 90,
    memory_limit: str = "2GB", threads: int = 2,
) -> Published:  # fmt: skip
    """The same, into a copy that was made while the caller prepared `frames`."""
    started = time.monotonic()
    crashpoint("after_copy")
    with explained(draft.final, draft.bytes):
        replaced, rows = _write(lake, draft.path, frames, runs, warehouse_days, memory_limit, threads)
        crashpoint("before_swap")
        _swap(lake, draft.path, draft.final)
    crashpoint("after_swap")
    size = draft.final.stat().st_size
    return Published(draft.final, rows, replaced, draft.rebuilt, size, time.monotonic() - started)


def _write(
    lake: Lake,
    path: Path,
    frames: Mapping[str, pa.Table],
    runs: pa.Table,
    warehouse_days: int,
    memory_limit: str,
    threads: int,
) -> tuple[int, int]:
    """(partitions replaced, rows written). One transaction: the file is whole whatever happens."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "storage_compatibility_version": STORAGE_VERSION, "memory_limit": memory_limit, "threads": str(threads),
        "temp_directory": str(lake.data_dir / "tmp" / f"publish-{os.getpid()}"),
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    }  # fmt: skip
    con = duckdb.connect(str(path), config=config)
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("BEGIN")
        create(con)
        replaced, rows = _bring_up_to_date(lake, con, warehouse_days)
        rows += _fill_frames(con, frames, runs)
        con.execute("COMMIT")
        crashpoint("before_checkpoint")
        con.execute("CHECKPOINT")
    finally:
        con.close()
    return replaced, rows


def _bring_up_to_date(lake: Lake, con: duckdb.DuckDBPyConnection, warehouse_days: int) -> tuple[int, int]:
    """Replace the partitions whose content differs from what the file holds; drop those that aged out or are gone."""
    replaced = rows = 0
    for name, stored in STORED.items():
        table = contract(name)
        wanted = {(p.instance, p.day): p for p in _wanted(lake, table, warehouse_days)}
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


def _wanted(lake: Lake, table: Table, warehouse_days: int) -> Iterable[Partition]:
    held = [p for p in lake.ledger.all() if p.table == table.name and p.quality != "failed"]
    newest: dict[str, date] = {}
    for part in held:
        newest[part.instance] = max(newest.get(part.instance, part.day), part.day)
    for part in held:
        oldest = newest[part.instance] - timedelta(days=warehouse_days - 1)
        if table.name in _LATEST_ONLY:
            oldest = newest[part.instance]
        if part.day >= oldest:
            yield part


def _insert(lake: Lake, con: duckdb.DuckDBPyConnection, table: Table, stored: str, parts: list[Partition]) -> int:
    """Insert whole partitions in day order, many at once: a rebuild reads each file once."""
    columns = ", ".join(f'"{c}"' for c in table.columns)
    total = 0
    for part in sorted(parts, key=lambda p: (p.instance, p.day)):
        files = lake.files(table, part.instance, [part.day])
        if files:
            con.execute(f"INSERT INTO wh.{stored} ({columns}) SELECT {columns} FROM ({reading(table, files)})")
        total += part.rows
    con.executemany(
        "INSERT INTO wh.loaded VALUES (?, ?, ?, ?)", [[table.name, p.instance, p.day, p.content_hash] for p in parts]
    ) if parts else None
    return total


def _fill_frames(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pa.Table], runs: pa.Table) -> int:
    rows = 0
    filled = {stored: frames.get(name, empty(contract(declared))) for name, (stored, declared) in FRAMES.items()}
    for stored, frame in (*filled.items(), ("run", runs)):
        con.register("_frame", frame)
        con.execute(f"DELETE FROM wh.{stored}")
        con.execute(f"INSERT INTO wh.{stored} BY NAME SELECT * FROM _frame")
        con.unregister("_frame")
        rows += frame.num_rows
    return rows


def _swap(lake: Lake, temporary: Path, final: Path) -> None:
    """Durable first, then visible: the previous file keeps a name for readers, the new one takes its place by rename."""
    crc, size = checksum(temporary)
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    with lake.store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO published_file VALUES (?, ?, ?)", (crc, size, str(utc_now())))
        connection.execute(
            "DELETE FROM published_file WHERE created_at NOT IN"
            " (SELECT created_at FROM published_file ORDER BY created_at DESC LIMIT ?)",
            (KEPT + 1,),
        )
    _keep_previous(final)
    temporary.replace(final)
    final.chmod(0o440)
    sync_folder(final.parent)


def _keep_previous(final: Path) -> None:
    """nowguard.duckdb also becomes nowguard.1.duckdb (a second name, no copy), .1 becomes .2; older ones go."""
    if not final.exists():
        return
    for number in range(KEPT - 1, 0, -1):
        newer = final.with_suffix(f".{number - 1}.duckdb") if number > 1 else final
        target = final.with_suffix(f".{number}.duckdb")
        if number > 1 and not newer.exists():
            continue
        link = target.with_name(f".{target.name}.link")
        link.unlink(missing_ok=True)
        os.link(newer, link)
        link.replace(target)


def require_warehouse(path: Path) -> Path:
    """`path` where it exists; a reader's clear error where nothing was published yet."""
    if not path.exists():
        raise StorageError(f"nothing is published at {path}", remedy="run `nowguard run` (or `make demo`) first")
    return path
