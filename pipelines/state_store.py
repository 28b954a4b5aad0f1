"""What must outlive a run and cannot be rebuilt: ledger, leases, runs, triage. One SQLite file under `state/`.

SQLite because it has one writer at a time by design, survives a kill at any point (WAL, `synchronous=FULL`), and is in
every Python. Not Airflow's database, so that a day can be finished without Airflow; not DuckDB, whose file one process
locks.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.errors import StorageError

BUSY_MS = 30_000  # how long a writer waits for another's transaction: they are all short


class StateStore:
    """The state file. Threads of one process share it; each has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"{path.parent} cannot be created: {error.strerror}", remedy="give NOWGUARD_DATA_DIR a writable folder"
            ) from None
        self.migrate(
            "store",
            ("CREATE TABLE IF NOT EXISTS migration (component TEXT, step INTEGER, PRIMARY KEY (component, step))",),
        )

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is not None:
            return found
        try:
            made = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_MS / 1000, check_same_thread=False)
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("PRAGMA synchronous=FULL")
            made.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error as error:
            raise StorageError(
                f"{self.path} cannot be opened: {error}",
                remedy="check owner, mode and free space; restore it from a backup",
            ) from None
        self._local.connection = made
        self._open.append(made)
        return made

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one writer at a time; committed means on disk."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a read; sees the last commit."""
        return self._connection().execute(sql, params).fetchall()

    def migrate(self, component: str, statements: Sequence[str]) -> None:
        """Apply the statements that this file has not seen, in order. Only ever add to the end of the list."""
        with self.transaction() as connection:
            if component == "store":
                connection.execute(statements[0])
            done = {
                row[0] for row in connection.execute("SELECT step FROM migration WHERE component = ?", (component,))
            }
            for step, statement in enumerate(statements):
                if step not in done:
                    connection.execute(statement)
                    connection.execute("INSERT INTO migration VALUES (?, ?)", (component, step))

    def close(self) -> None:
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._local = threading.local()
