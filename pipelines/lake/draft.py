"""The copy of the published file that a publish writes into.

Only a file that is byte for byte one of ours, of today's shape, is carried on; any other is built again from the lake.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from isal.isal_zlib import crc32

from pipelines.lake.declared import has_todays_shape
from pipelines.lake.partitions import Lake
from pipelines.lake.writer import CHUNK, explained

KEPT = 3  # files a reader may still want under the names nowguard.<n>.duckdb

SCHEMA = (
    "CREATE TABLE published (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, created_at TEXT NOT NULL)",
    "DROP TABLE published",
    "CREATE TABLE published_file (crc32 INTEGER, bytes INTEGER, created_at TEXT NOT NULL, PRIMARY KEY (crc32, bytes))",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """`path` holds the published file's content, or is absent where it is `rebuilt`; `bytes` is the size of the published one."""

    final: Path
    path: Path
    rebuilt: bool
    bytes: int


@contextmanager
def drafted(lake: Lake, *, rebuild: bool = False) -> Iterator[Callable[[], Draft]]:
    """Gives what makes the copy, in whichever thread calls it. Nothing of the copy is left afterwards.

    Instances share the file: where two of them publish at once, the second waits here for the first."""
    lake.store.migrate("published", SCHEMA)
    final = lake.data_dir / "warehouse" / "nowguard.duckdb"
    final.parent.mkdir(parents=True, exist_ok=True)
    with (final.parent / ".publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _drafting(lake, final, rebuild) as draft:
            yield draft


@contextmanager
def _drafting(lake: Lake, final: Path, rebuild: bool) -> Iterator[Callable[[], Draft]]:
    _remove_leftovers(final)  # of dead runs: whoever lives holds the lock
    ours = frozenset(lake.store.query("SELECT crc32, bytes FROM published_file"))
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.tmp")
    try:
        yield partial(_draft, final, temporary, frozenset() if rebuild else ours)
    finally:
        for leftover in (temporary, temporary.with_name(temporary.name + ".wal")):
            leftover.unlink(missing_ok=True)


def _draft(final: Path, temporary: Path, ours: frozenset[tuple[int, int]]) -> Draft:
    size = final.stat().st_size if final.exists() else 0
    with explained(final, size):
        rebuilt = not size or checksum(final) not in ours or not has_todays_shape(final)
        if not rebuilt:
            shutil.copyfile(final, temporary)
    return Draft(final, temporary, rebuilt, size)


def checksum(path: Path) -> tuple[int, int]:
    """(CRC-32, bytes) against flipped bits and careless hands: a tenth of the cost of SHA-256, which a file of 1 GB asks for
    twice a night. Whoever would forge it can write the state store as well."""
    found, buffer = 0, memoryview(bytearray(CHUNK))
    with path.open("rb", buffering=0) as stream:
        while read := stream.readinto(buffer):
            found = crc32(buffer[:read], found)
    return found, path.stat().st_size


def _remove_leftovers(final: Path) -> None:
    for leftover in final.parent.glob(f".{final.stem}.*.tmp*"):
        leftover.unlink(missing_ok=True)
