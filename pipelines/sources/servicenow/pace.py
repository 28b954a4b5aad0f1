"""One pace for all workers of an instance: when it asks us to wait, everybody waits."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pipelines.sources.servicenow.connection import Pace
from pipelines.sources.servicenow.transport import Response


class Pacer:
    """Shared by threads. `wait` returns at once unless the instance, or a failure, asked for a pause."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._lock = threading.Lock()
        self._not_before = 0.0

    def wait(self) -> None:
        while True:
            with self._lock:
                pause = self._not_before - time.monotonic()
            if pause <= 0:
                return
            time.sleep(min(pause, 1.0))

    def hold(self, seconds: float) -> None:
        """Nobody sends for this long, and a moment more: clocks differ, and workers should not return in step."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds + random.uniform(0, 0.2))  # noqa: S311

    def back_off(self, attempt: int) -> float:
        """Exponential with full jitter on the upper half, so that workers do not return in step."""
        longest = min(60.0, self.pace.back_off_seconds * 2**attempt)
        return random.uniform(longest / 2, longest)  # noqa: S311  # spreads load; not a secret


def asked_to_wait(answer: Response) -> float | None:
    """Seconds that a 429 or 503 asks for: `Retry-After` as seconds or date, else the reset time of the rate rule."""
    after = answer.headers.get("Retry-After", "").strip()
    if after.isdigit():
        return float(after)
    now = answer.date or datetime.now(UTC).replace(tzinfo=None)
    if after:
        try:
            return max(0.0, (parsedate_to_datetime(after).astimezone(UTC).replace(tzinfo=None) - now).total_seconds())
        except (ValueError, TypeError):
            return None
    reset = answer.headers.get("X-RateLimit-Reset", "").strip()
    if reset.isdigit():
        return max(0.0, int(reset) - now.replace(tzinfo=UTC).timestamp())
    return None
