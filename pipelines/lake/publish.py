"""The published file: copy the last one, replace what changed, checkpoint, rename. A reader sees the old or the new.

The file is a cache: everything in it comes from the lake, the state store and the frames of the run. It is written in a
storage version that older DuckDB clients open, because BI drivers lag.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.mart import views
from pipelines.contracts.table import Table, empty
from pipelines.errors import StorageError
from pipelines.lake.crashpoints import crashpoint
from pipelines.lake.ledger import Partition
from pipelines.lake.partitions import Lake, reading
from pipelines.lake.runs import ARROW as RUN_SCHEMA
from pipelines.lake.writer import explained, sha256_of, sync_folder
from pipelines.window import utc_now

STORAGE_VERSION = "v1.4.0"  # opened by DuckDB 1.4 and later
KEPT = 3  # files a reader may still want under the names nowguard.<n>.duckdb

SCHEMA = (
    "CREATE TABLE published (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, created_at TEXT NOT NULL)",
)

#: Lake tables in the file and the name they have there. `activity` and `attachment` are cut at `warehouse_days`.
STORED: Mapping[str, str] = {
    "core__activity": "activity",
    "core__user": "user_day",
    "raw_servicenow__sys_attachment": "attachment",
    "out__coverage": "coverage",
    "out__table_state": "table_state",
    "out__quality_result": "quality_result",
    "out__posture": "posture",
    "out__posture_change": "posture_change",
    "out__posture_score": "posture_score",
    "out__access": "access",
    "out__exposed_resource": "exposed_resource",
    "out__model_score": "model_score",
    "out__model_attribution": "model_attribution",
    "out__model_drift": "model_drift",
}
#: Frames of the run, their name in the file and their contract; `models` is empty where no registry is kept.
FRAMES: Mapping[str, tuple[str, str]] = {
    "alerts": ("alert", "out__alert"),
    "behaviors": ("behavior", "out__alert"),
    "alert_evidence": ("alert_evidence", "out__alert_evidence"),
    "models": ("model", "out__model"),
}
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
    started = time.monotonic()
    lake.store.migrate("published", SCHEMA)
    final = lake.data_dir / "warehouse" / "nowguard.duckdb"
    final.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(final)
    rebuilt = rebuild or not _is_ours(lake, final) or not _has_todays_shape(final)
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.tmp")
    try:
        with explained(final, final.stat().st_size if final.exists() else 0):
            if not rebuilt:
                shutil.copyfile(final, temporary)
            crashpoint("after_copy")
            replaced, rows = _write(lake, temporary, frames, runs, warehouse_days, memory_limit, threads)
            crashpoint("before_swap")
            _swap(lake, temporary, final)
    finally:
        for leftover in (temporary, temporary.with_name(temporary.name + ".wal")):
            leftover.unlink(missing_ok=True)
    crashpoint("after_swap")
    return Published(final, rows, replaced, rebuilt, final.stat().st_size, time.monotonic() - started)


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
        _create(con)
        replaced, rows = _bring_up_to_date(lake, con, warehouse_days)
        rows += _fill_frames(con, frames, runs)
        con.execute("COMMIT")
        crashpoint("before_checkpoint")
        con.execute("CHECKPOINT")
    finally:
        con.close()
    return replaced, rows


def _create(con: duckdb.DuckDBPyConnection) -> None:
    """Tables, their comments and the views. A file that was made by these very statements has them: 800 took a quarter
    second each night."""
    con.execute("CREATE SCHEMA IF NOT EXISTS wh")
    con.execute("CREATE TABLE IF NOT EXISTS wh.declared (revision VARCHAR)")
    statements = _declarations()
    revision = hashlib.sha256("\n".join((*statements, str(RUN_SCHEMA))).encode()).hexdigest()
    if con.execute("SELECT 1 FROM wh.declared WHERE revision = ?", [revision]).fetchall():
        return
    con.register("_run_shape", RUN_SCHEMA.empty_table())
    for statement in statements:
        con.execute(statement)
    con.unregister("_run_shape")
    con.execute("DELETE FROM wh.declared")
    con.execute("INSERT INTO wh.declared VALUES (?)", [revision])


def _declarations() -> list[str]:
    """What the contracts say of the file, in the order of its making; views last, as they read tables."""
    found = [
        "CREATE SCHEMA IF NOT EXISTS mart",
        'CREATE TABLE IF NOT EXISTS wh.loaded ("table" VARCHAR, instance VARCHAR, event_date DATE, content_hash VARCHAR)',
        "CREATE TABLE IF NOT EXISTS wh.run AS SELECT * FROM _run_shape",
    ]
    for name, stored in STORED.items():
        found += contract(name).ddl(f"wh.{stored}")
    for stored, declared in FRAMES.values():
        found += contract(declared).ddl(f"wh.{stored}")
    for view in views().values():
        found += view.ddl()
    return found


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
    digest, size = sha256_of(temporary), temporary.stat().st_size
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    with lake.store.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO published VALUES (?, ?, ?, ?)", (digest, digest, size, str(utc_now()))
        )
        connection.execute(
            "DELETE FROM published WHERE path NOT IN (SELECT path FROM published ORDER BY created_at DESC LIMIT ?)",
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


def _is_ours(lake: Lake, final: Path) -> bool:
    """Whether the file on disk is byte for byte one that we published; a changed one is built again from the lake."""
    if not final.exists():
        return False
    digest = sha256_of(final)
    return bool(lake.store.query("SELECT 1 FROM published WHERE sha256 = ?", (digest,)))


def _has_todays_shape(final: Path) -> bool:
    """Whether every table that the file holds has the columns of its contract; a file of an older release is built again."""
    with duckdb.connect(str(final), read_only=True) as con:
        found: dict[str, list[str]] = {}
        for table, column in con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'wh' ORDER BY column_index"
        ).fetchall():
            found.setdefault(table, []).append(column)
    wanted = {**{stored: name for name, stored in STORED.items()}, **dict(FRAMES.values())}
    return all(
        found.get(stored, columns) == columns
        for stored, name in wanted.items()
        if (columns := list(contract(name).columns))
    )


def _remove_leftovers(final: Path) -> None:
    for leftover in final.parent.glob(f".{final.stem}.*.tmp*"):
        leftover.unlink(missing_ok=True)


def require_warehouse(path: Path) -> Path:
    """`path` where it exists; a reader's clear error where nothing was published yet."""
    if not path.exists():
        raise StorageError(f"nothing is published at {path}", remedy="run `nowguard run` (or `make demo`) first")
    return path
