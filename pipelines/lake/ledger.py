"""What exists: one row per version of a partition, and its files with their hashes. A file that is not here is not data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from pipelines.state_store import StateStore

SCHEMA = (
    """CREATE TABLE partition (
        instance TEXT NOT NULL, table_name TEXT NOT NULL, day TEXT NOT NULL, version INTEGER NOT NULL,
        rows INTEGER NOT NULL, bytes INTEGER NOT NULL, min_time TEXT, max_time TEXT, content_hash TEXT NOT NULL,
        code_revision TEXT NOT NULL, quality TEXT NOT NULL, inputs TEXT NOT NULL, fencing INTEGER NOT NULL,
        created_at TEXT NOT NULL, PRIMARY KEY (instance, table_name, day))""",
    """CREATE TABLE partition_file (
        instance TEXT NOT NULL, table_name TEXT NOT NULL, day TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL, PRIMARY KEY (path))""",
    "CREATE INDEX partition_file_of ON partition_file (instance, table_name, day)",
)
COLUMNS = "instance, table_name, day, version, rows, bytes, min_time, max_time, content_hash, code_revision, quality, inputs, fencing, created_at"


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A Parquet file of the lake; `path` is relative to the lake's root."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Partition:
    """The current version of one table, instance and day. `changed` tells whether the last replace made a new version."""

    instance: str
    table: str
    day: date
    version: int
    rows: int
    bytes: int
    min_time: str | None
    max_time: str | None
    content_hash: str
    code_revision: str
    quality: str
    inputs: str
    fencing: int
    created_at: datetime
    changed: bool = True


class Ledger:
    """Reads and writes the two tables; the writer holds the transaction."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        store.migrate("ledger", SCHEMA)

    def find(self, instance: str, table: str, day: date) -> Partition | None:
        rows = self.store.query(
            f"SELECT {COLUMNS} FROM partition WHERE instance = ? AND table_name = ? AND day = ?",
            (instance, table, str(day)),
        )
        return _partition(rows[0]) if rows else None

    def all(self, instance: str | None = None) -> list[Partition]:
        where, params = ("WHERE instance = ?", (instance,)) if instance else ("", ())
        return [
            _partition(r) for r in self.store.query(f"SELECT {COLUMNS} FROM partition {where} ORDER BY 1, 2, 3", params)
        ]

    def days(self, instance: str, table: str) -> list[date]:
        rows = self.store.query(
            "SELECT day FROM partition WHERE instance = ? AND table_name = ? ORDER BY day", (instance, table)
        )
        return [date.fromisoformat(row[0]) for row in rows]

    def rows_by_day(self, instance: str, table: str) -> dict[date, int]:
        """Rows of each partition, in day order."""
        rows = self.store.query(
            "SELECT day, rows FROM partition WHERE instance = ? AND table_name = ? ORDER BY day", (instance, table)
        )
        return {date.fromisoformat(day): count for day, count in rows}

    def instances(self) -> list[str]:
        return [row[0] for row in self.store.query("SELECT DISTINCT instance FROM partition ORDER BY 1")]

    def hashes(self, instance: str, tables: Sequence[str], days: Iterable[date]) -> list[tuple[str, str, str]]:
        """(table, day, content hash) of what exists of `tables` on `days`, in order."""
        wanted = sorted({str(day) for day in days})
        if not wanted or not tables:
            return []
        marks = ", ".join("?" * len(tables))
        rows = self.store.query(
            f"SELECT table_name, day, content_hash FROM partition WHERE instance = ? AND day BETWEEN ? AND ? AND table_name IN ({marks}) ORDER BY 1, 2",
            (instance, wanted[0], wanted[-1], *tables),
        )
        return [(t, d, h) for t, d, h in rows if d in set(wanted)]

    def files(self, instance: str, table: str, days: Sequence[date]) -> list[LakeFile]:
        found: list[LakeFile] = []
        for day in sorted(set(days)):
            rows = self.store.query(
                "SELECT path, sha256, bytes FROM partition_file WHERE instance = ? AND table_name = ? AND day = ? ORDER BY path",
                (instance, table, str(day)),
            )
            found += [LakeFile(Path(p), s, b) for p, s, b in rows]
        return found

    def all_files(self) -> list[LakeFile]:
        return [
            LakeFile(Path(p), s, b)
            for p, s, b in self.store.query("SELECT path, sha256, bytes FROM partition_file ORDER BY path")
        ]


def _partition(row: tuple[object, ...]) -> Partition:
    made = Partition(*row)  # type: ignore[arg-type]  # SQLite's types; the two dates are converted on the next line
    return replace(
        made, day=date.fromisoformat(str(row[2])), created_at=datetime.fromisoformat(str(row[13])), changed=False
    )
