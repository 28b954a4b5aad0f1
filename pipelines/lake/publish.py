"""The published file: copy the last one, replace what changed, checkpoint, rename. A reader sees the old or the new.

The file is a cache: everything in it comes from the lake, the state store and the frames of the run. It is written in a
storage version that older DuckDB clients open, because BI drivers lag.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.errors import StorageError
from pipelines.lake.crashpoints import crashpoint
from pipelines.lake.declared import FRAMES, create
from pipelines.lake.draft import KEPT, Draft, checksum, drafted
from pipelines.lake.loading import load
from pipelines.lake.partitions import Lake
from pipelines.lake.writer import explained, sync_file, sync_folder
from pipelines.window import utc_now

STORAGE_VERSION = "v1.4.0"  # opened by DuckDB 1.4 and later


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish wrote; `replaced` counts partitions."""

    path: Path
    rows: int
    replaced: int
    rebuilt: bool
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The copy, opened, in a transaction that has its partitions, and its way to the disk."""

    con: duckdb.DuckDBPyConnection
    draft: Draft
    flushed: Future[None]
    replaced: int
    rows: int


def publish(
    lake: Lake, frames: Callable[[], Mapping[str, pa.Table]], *, runs: Callable[[], pa.Table], warehouse_days: int = 90,
    rebuild: bool = False, memory_limit: str = "2GB", threads: int = 2,
) -> Published:  # fmt: skip
    """Bring the warehouse to what the ledger says, with what `frames` gives (of `declared.FRAMES`) and the run log of then.

    `frames` is called in this thread, while another one copies the file and loads partitions, in `memory_limit` of its own.
    """
    started = time.monotonic()
    limits = {"memory_limit": memory_limit, "threads": str(threads)}
    with drafted(lake, rebuild=rebuild) as draft, ThreadPoolExecutor(2, thread_name_prefix="publish") as beside:
        loading = beside.submit(_load, lake, draft, beside, warehouse_days, limits)
        try:
            given = frames()
            loaded = loading.result()
            rows = loaded.rows + _complete(loaded, given, runs())
        finally:
            if loading.exception() is None:
                loading.result().con.close()
        crashpoint("before_swap")
        final = loaded.draft.final
        with explained(final, loaded.draft.bytes):
            _swap(lake, loaded.draft.path, final)
    crashpoint("after_swap")
    took = time.monotonic() - started
    return Published(final, rows, loaded.replaced, loaded.draft.rebuilt, final.stat().st_size, took)


def _load(
    lake: Lake, draft: Callable[[], Draft], beside: Executor, warehouse_days: int, limits: Mapping[str, str]
) -> _Loaded:
    """Copy, open, declare, exchange partitions; the transaction stays open: the file is whole whatever happens."""
    made = draft()
    crashpoint("after_copy")
    flushed = beside.submit(_flush, made)
    config: dict[str, str | bool | int | float | list[str]] = {
        "storage_compatibility_version": STORAGE_VERSION, **limits,
        "temp_directory": str(lake.data_dir / "tmp" / f"publish-{os.getpid()}"),
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    }  # fmt: skip
    with explained(made.final, made.bytes):
        con = duckdb.connect(str(made.path), config=config)
        try:
            con.execute("SET TimeZone = 'UTC'")
            con.execute("BEGIN")
            create(con)
            replaced, rows = load(lake, con, warehouse_days)
        except BaseException:
            con.close()
            raise
    return _Loaded(con, made, flushed, replaced, rows)


def _flush(made: Draft) -> None:
    """What was copied goes to the disk before the commit, which would wait for it (0.4 s per GB)."""
    if not made.rebuilt:
        sync_file(made.path)


def _complete(loaded: _Loaded, frames: Mapping[str, pa.Table], runs: pa.Table) -> int:
    """Rows of the frames and the run log; what was loaded and they are committed together."""
    with explained(loaded.draft.final, loaded.draft.bytes):
        rows = _fill_frames(loaded.con, frames, runs)
        loaded.flushed.result()
        loaded.con.execute("COMMIT")
        crashpoint("before_checkpoint")
        loaded.con.execute("CHECKPOINT")
    return rows


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
    sync_file(temporary)
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
