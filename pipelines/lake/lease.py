"""One writer per instance: a lease with an expiry, and a fencing number that stops a writer whose lease was taken over."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from pipelines.errors import Busy
from pipelines.state_store import StateStore
from pipelines.window import utc_now

SCHEMA = (
    """CREATE TABLE lease (
        instance TEXT PRIMARY KEY, owner TEXT NOT NULL, fencing INTEGER NOT NULL, expires_at TEXT NOT NULL,
        holder TEXT NOT NULL)""",
)


@dataclass
class Lease:
    """The right to write `instance` until it expires; renewed in the background while the block runs."""

    store: StateStore
    instance: str
    owner: str
    fencing: int
    ttl: timedelta
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._renew, name=f"lease {self.instance}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self.store.transaction() as connection:
            connection.execute(
                "UPDATE lease SET expires_at = '' WHERE instance = ? AND owner = ? AND fencing = ?",
                (self.instance, self.owner, self.fencing),
            )

    def _renew(self) -> None:
        while not self._stop.wait(self.ttl.total_seconds() / 3):
            with self.store.transaction() as connection:
                connection.execute(
                    "UPDATE lease SET expires_at = ? WHERE instance = ? AND owner = ? AND fencing = ?",
                    (str(utc_now() + self.ttl), self.instance, self.owner, self.fencing),
                )

    def check(self, connection: sqlite3.Connection) -> None:
        """Inside the transaction of a write: refuse where another run has taken the lease over."""
        rows = connection.execute("SELECT owner, fencing FROM lease WHERE instance = ?", (self.instance,)).fetchall()
        if not rows or rows[0] != (self.owner, self.fencing):
            raise Busy(
                f"the lease on {self.instance} was taken over by another run",
                remedy="let that run finish; run again afterwards, finished work is kept",
            )


def acquire(store: StateStore, instance: str, owner: str, ttl: timedelta) -> Lease:
    """Take the lease where it is free, expired or already the owner's; else `Busy`. Each take raises the fencing number."""
    store.migrate("lease", SCHEMA)
    now = utc_now()
    with store.transaction() as connection:
        rows = connection.execute(
            "SELECT owner, fencing, expires_at, holder FROM lease WHERE instance = ?", (instance,)
        ).fetchall()
        held_by, fencing, expires, holder = rows[0] if rows else ("", 0, "", "")
        if expires > str(now) and held_by != owner and not _is_dead(holder):
            raise Busy(
                f"another run ({held_by[:8]}) holds {instance} until {expires[:19]} UTC",
                remedy="wait for it; a run that died frees the instance when its lease expires",
            )
        connection.execute(
            "INSERT INTO lease VALUES (?, ?, ?, ?, ?) ON CONFLICT (instance) DO UPDATE SET owner = excluded.owner, "
            "fencing = excluded.fencing, expires_at = excluded.expires_at, holder = excluded.holder",
            (instance, owner, fencing + 1, str(now + ttl), _this_process()),
        )
    return Lease(store, instance, owner, fencing + 1, ttl)


def _this_process() -> str:
    """Host, process id and its start: enough to tell later, on the same host, whether it still runs."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def _is_dead(holder: str) -> bool:
    """True only where the holder ran on this host and is gone; a holder elsewhere counts as alive until it expires."""
    host, _, rest = holder.partition(" ")
    pid, _, started = rest.partition(" ")
    return host == socket.gethostname() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Start of a process in clock ticks since boot; empty where it does not exist (or there is no /proc)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[19]
    except OSError:
        return ""
