"""From rows to files that are whole or not there: temporary name, fsync, rename, directory fsync; the ledger comes last."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.table import Table, conform
from pipelines.errors import StorageError
from pipelines.lake.crashpoints import crashpoint

ROW_GROUP = 100_000
CHUNK = 1 << 20


@contextmanager
def explained(path: Path, needed: int = 0) -> Iterator[None]:
    """Storage failures with what to do; the temporary file is the caller's to remove."""
    try:
        yield
    except (OSError, duckdb.IOException, pa.ArrowException) as error:
        code = getattr(error, "errno", None)
        text = str(error)
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space" in text or "File too large" in text:
            size = f" ({needed:,} bytes needed)" if needed else ""
            raise StorageError(
                f"no space left to write {path.parent}{size}",
                remedy="free space, or move NOWGUARD_DATA_DIR; nothing published was touched",
            ) from None
        if code in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageError(
                f"{path.parent} cannot be written: {error}", remedy="give the user of this process write access"
            ) from None
        raise


def write_arrow(table: Table, data: pa.Table, target: Path) -> None:
    """`data` sorted by the contract's order as one zstd Parquet file."""
    ordered = conform(table, data)
    if table.sort_by and ordered.num_rows > 1:
        ordered = ordered.sort_by([(column, "ascending") for column in table.sort_by])
    pq.write_table(ordered, target, compression="zstd", row_group_size=ROW_GROUP, write_page_checksum=True)


def write_relation(table: Table, data: duckdb.DuckDBPyRelation, target: Path) -> None:
    """A DuckDB relation with the contract's columns, sorted in the engine (it spills where it must)."""
    columns = ", ".join(f'CAST("{f.name}" AS {f.duckdb}) AS "{f.name}"' for f in table.all_fields)
    ordered = data.project(columns)
    if table.sort_by:
        ordered = ordered.order(", ".join(f'"{column}"' for column in table.sort_by))
    ordered.write_parquet(str(target), compression="zstd", row_group_size=ROW_GROUP)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def content_hash(
    con: duckdb.DuckDBPyConnection, table: Table, files: Sequence[Path]
) -> tuple[str, int, str | None, str | None]:
    """(hash, rows, min time, max time): equal for equal sets of rows, whatever their order and their files."""
    columns = ", ".join(f'"{f.name}"' for f in table.all_fields)
    moment = f'CAST("{table.time_column}" AS VARCHAR)' if table.time_column else "NULL::VARCHAR"
    rows = con.execute(
        f"SELECT count(*), bit_xor(h), sum(h % 4294967291), min(t), max(t) FROM "
        f"(SELECT hash({columns}) AS h, {moment} AS t FROM read_parquet(?, hive_partitioning = false))",
        [[str(f) for f in files]],
    ).fetchall()
    count, xor, total, low, high = rows[0]
    digest = hashlib.sha256(f"{table.columns}{count}{xor}{total}".encode()).hexdigest()[:32]
    return digest, int(count), low, high


def settle(temporary: Path, final: Path) -> None:
    """Make a written file durable under its final name."""
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    crashpoint("after_fsync")
    temporary.replace(final)
    crashpoint("after_rename")


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temporary_in(folder: Path) -> Path:
    """A name that readers ignore and the sweep removes."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f".tmp-{uuid.uuid4().hex}.parquet"
