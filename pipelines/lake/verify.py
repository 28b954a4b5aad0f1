"""Compare every file of the lake with the ledger; remove what no ledger row names."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pipelines.lake.lease import Lease
from pipelines.lake.partitions import Lake
from pipelines.lake.writer import sha256_of

YOUNG_SECONDS = 3600  # an unlisted file younger than this may belong to a running write


@dataclass(frozen=True, slots=True)
class Problem:
    path: Path
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verification:
    """`files` and `bytes` that are listed; `problems` found; `unlisted` files that nobody reads."""

    files: int
    bytes: int
    problems: tuple[Problem, ...]
    unlisted: int


def verify(lake: Lake) -> Verification:
    """Hash every listed file again. Reads all bytes of the lake."""
    listed = lake.ledger.all_files()
    problems = []
    for found in listed:
        path = lake.root / found.path
        if not path.exists():
            problems.append(Problem(path, "listed and not on disk", "run its day again, or restore it from a backup"))
        elif path.stat().st_size != found.bytes or sha256_of(path) != found.sha256:
            problems.append(
                Problem(path, "its bytes differ from the ledger", "`nowguard verify --repair`, then run its day again")
            )
    names = {lake.root / f.path for f in listed}
    unlisted = sum(1 for path in lake.root.rglob("*.parquet") if path not in names)
    return Verification(len(listed), sum(f.bytes for f in listed), tuple(problems), unlisted)


def repair(lake: Lake, lease: Lease) -> list[tuple[str, str]]:
    """Forget the partitions of `lease`'s instance whose files are damaged, so that the next run of their days makes them
    again. Returns (table, day) of each; what is left on disk is swept as unlisted."""
    damaged = {p.path for p in verify(lake).problems}
    with lake.store.transaction() as connection:
        lease.check(connection)
        rows = connection.execute(
            "SELECT table_name, day, path FROM partition_file WHERE instance = ?", (lease.instance,)
        ).fetchall()
        forgotten = sorted({(table, day) for table, day, path in rows if lake.root / path in damaged})
        for table, day in forgotten:
            key = (lease.instance, table, day)
            connection.execute("DELETE FROM partition WHERE instance = ? AND table_name = ? AND day = ?", key)
            connection.execute("DELETE FROM partition_file WHERE instance = ? AND table_name = ? AND day = ?", key)
    return forgotten


def sweep(lake: Lake, lease: Lease) -> int:
    """Remove what dead runs left: unlisted Parquet of the leased instance and scratch folders of processes that are gone."""
    names = {lake.root / f.path for f in lake.ledger.all_files()}
    removed = 0
    for path in lake.root.glob(f"*/*/instance={lease.instance}/*/*.parquet"):
        if path not in names:
            path.unlink(missing_ok=True)
            removed += 1
    return removed + _sweep_scratch(lake.data_dir / "tmp")


def _sweep_scratch(scratch: Path) -> int:
    removed = 0
    for path in sorted(scratch.rglob("*"), reverse=True):
        if time.time() - path.lstat().st_mtime < YOUNG_SECONDS:
            continue
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
