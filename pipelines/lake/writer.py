"""From rows to files that are whole or not there: temporary name, fsync, rename, directory fsync; the ledger comes last."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.table import ROW_GROUP, Table, conform
from pipelines.errors import StorageError
from pipelines.lake.crashpoints import crashpoint

CHUNK = 1 << 20
#: Of a day of activities level 1 is as small as DuckDB's default of 3, a fifth cheaper to write and a third to read.
_PARQUET = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP}"


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


def write_rows(table: Table, data: pa.Table | duckdb.DuckDBPyRelation, folder: Path) -> Path:
    """`data` as one file in `folder`, under a name that readers ignore; nothing is left of it where writing fails."""
    target = temporary_in(folder)
    try:
        with explained(target, data.nbytes if isinstance(data, pa.Table) else 0):
            if isinstance(data, pa.Table):
                write_arrow(table, data, target)
            else:
                write_relation(table, data, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def write_arrow(table: Table, data: pa.Table, target: Path) -> None:
    """`data` sorted by the contract's order as one zstd Parquet file."""
    ordered = conform(table, data)
    if table.sort_by and ordered.num_rows > 1:
        ordered = ordered.sort_by([(column, "ascending") for column in table.sort_by])
    pq.write_table(ordered, target, compression="zstd", row_group_size=ROW_GROUP, write_page_checksum=True)


def write_relation(table: Table, data: duckdb.DuckDBPyRelation, target: Path) -> None:
    """A DuckDB relation with the contract's columns, sorted in the engine (it spills where it must)."""
    data.query("to_write", _copy(table, "FROM to_write", target))


def write_selects(
    con: duckdb.DuckDBPyConnection, selects: Iterable[tuple[Table, str]], folder: Path, threads: int
) -> Iterator[tuple[Table, Path]]:
    """Each SELECT over shared views of `con` as one sorted Parquet file in `folder`; `threads` of them at a time.

    Of a small day the cost is planning, which DuckDB does on one core; a relation would be planned once an operation."""

    def write(table: Table, select: str) -> tuple[Table, Path]:
        target = temporary_in(folder)
        with explained(target), con.cursor() as cursor:
            cursor.execute(_copy(table, select, target)).fetchall()
        return table, target

    with ThreadPoolExecutor(threads, thread_name_prefix="write") as pool:
        yield from pool.map(lambda one: write(*one), selects)


def _copy(table: Table, select: str, target: Path) -> str:
    """The statement that writes the rows of `select`, in the contract's columns and order."""
    columns = ", ".join(f'"{column}"' for column in table.sort_by)
    order = f" ORDER BY {columns}" if columns else ""
    escaped = str(target).replace("'", "''")
    return f"COPY (SELECT {table.casts} FROM ({select}){order}) TO '{escaped}' ({_PARQUET})"


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
    sync_file(temporary)
    crashpoint("after_fsync")
    temporary.replace(final)
    crashpoint("after_rename")


def sync_file(path: Path) -> None:
    """Returns once the disk has what was written to `path`, by whomever."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


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
