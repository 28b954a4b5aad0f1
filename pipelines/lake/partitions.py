"""The lake: replace a partition atomically, lend its files out verified, open a DuckDB over them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import __version__
from pipelines.contracts.table import Table
from pipelines.errors import StorageError
from pipelines.lake import writer
from pipelines.lake.crashpoints import crashpoint
from pipelines.lake.lease import Lease
from pipelines.lake.lease import acquire as take_lease
from pipelines.lake.ledger import COLUMNS, LakeFile, Ledger, Partition
from pipelines.lake.preflight import check_folder
from pipelines.state_store import StateStore
from pipelines.window import utc_now

#: DuckDB checkpoints in memory too, every 16 MB: working tables that live for a step were compressed for nobody, on one core.
NEVER = "1TB"

EMPTY = "empty"  # the content hash of a partition that was looked at and has no rows

Data: TypeAlias = pa.Table | duckdb.DuckDBPyRelation | Sequence[Path]


class Lake:
    """Partitions under `<data>/lake/<layer>/<table>/instance=…/event_date=…/`, as the ledger lists them."""

    def __init__(self, data_dir: Path, store: StateStore) -> None:
        self.data_dir = data_dir.resolve()
        check_folder(self.data_dir)
        self.root = self.data_dir / "lake"
        self.store = store
        self.ledger = Ledger(store)
        self._verified: dict[Path, tuple[int, int]] = {}
        self._hasher = duckdb.connect(config={"threads": "1", "memory_limit": "128MB"})

    # -- writing

    def acquire(self, instance: str, day: date | None, owner: str, ttl: timedelta) -> Lease:
        """The right to write `instance`; `day` is for messages only, one run writes an instance at a time."""
        del day
        return take_lease(self.store, instance, owner, ttl)

    def replace(
        self, lease: Lease, table: Table, instance: str, day: date, data: Data, *, inputs: str = "", quality: str = ""
    ) -> Partition:
        """Make `data` the partition. Equal content keeps the version; a crash leaves the old version or the new one.

        `data` is an Arrow table or a DuckDB relation with the contract's columns, or Parquet files of this one day in
        the contract's order, which are adopted by rename.
        """
        folder = self.folder(table, instance, day)
        temporary = self._write(table, folder, data)
        try:
            digest, rows, low, high = (EMPTY, 0, None, None)
            if temporary:
                digest, rows, low, high = writer.content_hash(self._hasher, table, temporary)
            old = self.ledger.find(instance, table.name, day)
            if old is not None and old.content_hash == (digest if rows else EMPTY):
                return self._keep(lease, old, inputs, quality)
            made = Partition(
                instance, table.name, day, (old.version if old else 0) + 1, rows, 0, low, high, digest if rows else EMPTY,
                __version__, quality, inputs, lease.fencing, utc_now(),
            )  # fmt: skip
            return self._commit(lease, table, made, folder, temporary if rows else [])
        finally:
            for path in temporary:
                path.unlink(missing_ok=True)

    def _write(self, table: Table, folder: Path, data: Data) -> list[Path]:
        """Temporary files in the partition's folder; none where there is nothing to write."""
        if isinstance(data, (pa.Table, duckdb.DuckDBPyRelation)):
            if isinstance(data, pa.Table) and data.num_rows == 0:
                return []
            target = writer.write_rows(table, data, folder)
            crashpoint("after_part_write")
            return [target]
        moved = []
        for part in data:
            target = writer.temporary_in(folder)
            with writer.explained(target, part.stat().st_size):
                part.replace(target)
            moved.append(target)
        return moved

    def _keep(self, lease: Lease, old: Partition, inputs: str, quality: str) -> Partition:
        with self.store.transaction() as connection:
            lease.check(connection)
            connection.execute(
                "UPDATE partition SET inputs = ?, quality = ? WHERE instance = ? AND table_name = ? AND day = ?",
                (inputs, quality or old.quality, old.instance, old.table, str(old.day)),
            )
        return old

    def _commit(self, lease: Lease, table: Table, made: Partition, folder: Path, temporary: list[Path]) -> Partition:
        """Rename under final names, then one transaction makes the new version exist and the old one vanish."""
        files: list[LakeFile] = []
        with writer.explained(folder):
            for number, path in enumerate(temporary):
                digest = writer.sha256_of(path)
                final = folder / f"v{made.version:05d}-f{made.fencing:06d}-{number:03d}.parquet"
                size = path.stat().st_size
                writer.settle(path, final)
                files.append(LakeFile(final.relative_to(self.root), digest, size))
            if files:
                writer.sync_folder(folder)
        made = replace(made, bytes=sum(f.bytes for f in files))
        crashpoint("before_ledger")
        stale = self.ledger.files(made.instance, table.name, [made.day])
        key = (made.instance, table.name, str(made.day))
        with self.store.transaction() as connection:
            lease.check(connection)
            connection.execute("DELETE FROM partition_file WHERE instance = ? AND table_name = ? AND day = ?", key)
            connection.execute(
                f"INSERT OR REPLACE INTO partition ({COLUMNS}) VALUES ({', '.join('?' * 14)})",
                (*key, made.version, made.rows, made.bytes, made.min_time, made.max_time, made.content_hash,
                 made.code_revision, made.quality, made.inputs, made.fencing, made.created_at.isoformat(sep=" ")),
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO partition_file VALUES (?, ?, ?, ?, ?, ?)",
                [(*key, str(f.path), f.sha256, f.bytes) for f in files],
            )
        crashpoint("after_ledger")
        for old in stale:
            (self.root / old.path).unlink(missing_ok=True)
        return made

    def set_quality(self, lease: Lease, table: Table, instance: str, day: date, quality: str) -> None:
        with self.store.transaction() as connection:
            lease.check(connection)
            connection.execute(
                "UPDATE partition SET quality = ? WHERE instance = ? AND table_name = ? AND day = ?",
                (quality, instance, table.name, str(day)),
            )

    # -- reading

    def folder(self, table: Table, instance: str, day: date) -> Path:
        return self.root / table.layer / table.name / f"instance={_safe(instance)}" / f"event_date={day}"

    def partition(self, table: Table, instance: str, day: date) -> Partition | None:
        return self.ledger.find(instance, table.name, day)

    def days(self, table: Table, instance: str) -> list[date]:
        return self.ledger.days(instance, table.name)

    def fingerprint(self, tables: Iterable[Table], instance: str, days: Iterable[date]) -> str:
        """Changes exactly when the content of one of these partitions does."""
        found = self.ledger.hashes(instance, [t.name for t in tables], days)
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    def files(self, table: Table, instance: str, days: Sequence[date]) -> list[Path]:
        """Absolute paths of the listed files, each hashed once per process before its first use."""
        listed = self.ledger.files(instance, table.name, days)
        return [self.verified(found) for found in listed]

    def verified(self, found: LakeFile) -> Path:
        """The absolute path of a listed file whose bytes are what the ledger says; a flipped bit in Parquet reads as data."""
        path = self.root / found.path
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise StorageError(f"{path} is in the ledger and not on disk", remedy=_RESTORE) from None
        seen = (stat.st_mtime_ns, stat.st_size)
        if self._verified.get(path) != seen:
            if stat.st_size != found.bytes or writer.sha256_of(path) != found.sha256:
                raise StorageError(
                    f"{path} differs from the ledger's SHA-256: its data is not to be trusted", remedy=_RESTORE
                )
            self._verified[path] = seen
        return path

    def connect(self, memory_limit: str = "2GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB: UTC, spills under the data directory, loads no extension from anywhere."""
        scratch = self.data_dir / "tmp" / f"duckdb-{os.getpid()}"
        scratch.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "threads": str(threads),
                "temp_directory": str(scratch),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "preserve_insertion_order": "true",
                "checkpoint_threshold": NEVER,
            }
        )
        con.execute("SET TimeZone = 'UTC'")
        return con

    def view(
        self,
        con: duckdb.DuckDBPyConnection,
        table: Table,
        instance: str,
        days: Sequence[date],
        name: str | None = None,
        *,
        shared: bool = False,
    ) -> str:
        """A view over exactly these partitions; typed and empty where there are none. Returns its name.

        A `shared` one is seen by cursors of `con` too, and would stay in a database that `con` has open."""
        name = name or table.name
        source = reading(table, self.files(table, instance, days))
        con.execute(f'CREATE OR REPLACE {"" if shared else "TEMP "}VIEW "{name}" AS {source}')
        return name


def reading(table: Table, files: Sequence[Path]) -> str:
    """A SELECT of the contract's columns over these files; a column that is younger than a file is null in its rows."""
    shapes: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        found = _held(path)
        shapes.setdefault(tuple(f.name for f in table.all_fields if f.name in found), []).append(path)
    parts = []
    for held, alike in shapes.items():
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in alike)
        columns = ", ".join(
            f'"{f.name}"' if f.name in held else f'NULL::{f.duckdb} AS "{f.name}"' for f in table.all_fields
        )
        parts.append(f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false)")
    nothing = ", ".join(f'NULL::{f.duckdb} AS "{f.name}"' for f in table.all_fields)
    return " UNION ALL ".join(parts) or f"SELECT {nothing} WHERE false"


@lru_cache(maxsize=10_000)
def _held(path: Path) -> frozenset[str]:
    """The columns of a file, whose content never changes under its name."""
    return frozenset(pq.read_schema(path).names)


_RESTORE = (
    "remove the partition with `nowguard verify --repair` and run its day again, or restore the file from a backup"
)


def _safe(instance: str) -> str:
    """An instance name as part of a path: ours by configuration, checked all the same."""
    if not instance or any(c in instance for c in "/\\\0=") or instance.startswith("."):
        raise StorageError(
            f"{instance!r} cannot be an instance name",
            remedy="set NOWGUARD_INSTANCE_NAME to letters, digits and dashes",
        )
    return instance
