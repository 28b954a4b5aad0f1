"""The instance's time: set by whoever plays the nights, ticking with real seconds in between."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

WIRE = "%Y-%m-%d %H:%M:%S"


class Clock:
    """UTC, naive. Threads share it."""

    def __init__(self, now: datetime) -> None:
        self._lock = threading.Lock()
        self._base, self._at = now, time.monotonic()

    def now(self) -> datetime:
        with self._lock:
            return self._base + timedelta(seconds=time.monotonic() - self._at)

    def set(self, now: datetime) -> None:
        with self._lock:
            self._base, self._at = now, time.monotonic()

    def advance(self, by: timedelta) -> datetime:
        now = self.now() + by
        self.set(now)
        return now

    def epoch(self) -> int:
        """Whole seconds since 1970, UTC."""
        return int((self.now() - datetime(1970, 1, 1)).total_seconds())

    def wire(self) -> str:
        """Now, as a column holds it."""
        return self.now().strftime(WIRE)
