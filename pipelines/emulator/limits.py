"""Limits of a node: rate rules, four API slots with a queue behind them, one transaction at a time per session."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.emulator.clock import Clock
from pipelines.emulator.messages import Answer, Call, Refused, failure, html

if TYPE_CHECKING:
    from pipelines.emulator.instance import EmulatorSettings


@dataclass(frozen=True)
class RateRule:
    """At most `limit` requests per clock hour, for one user or (empty) for everybody."""

    limit: int
    user: str = ""


class Limits:
    """Shared by all requests."""

    def __init__(self, settings: EmulatorSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.rules: list[RateRule] = []
        self._slots = threading.BoundedSemaphore(settings.pool_slots)
        self._waiting = 0
        self._sessions: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._queued: dict[str, int] = defaultdict(int)
        self._counts: dict[tuple[str, int], int] = defaultdict(int)
        self._lock = threading.Lock()

    @contextmanager
    def held(self, call: Call, cookie: str) -> Iterator[None]:
        """Wait for the session and for a slot; refuse where a queue is full or a rate rule is spent."""
        self._count(call)
        with ExitStack() as stack:
            if cookie:
                stack.enter_context(self._session(cookie))
            stack.enter_context(self._slot())
            yield

    @contextmanager
    def _session(self, cookie: str) -> Iterator[None]:
        with self._lock:
            if self._queued[cookie] > self.settings.session_queue:
                raise Refused(Answer(202))
            self._queued[cookie] += 1
        try:
            with self._sessions[cookie]:
                yield
        finally:
            with self._lock:
                self._queued[cookie] -= 1

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with self._lock:
            if self._waiting >= self.settings.pool_queue:
                raise Refused(html(429, "Too Many Requests", "Semaphore queue depth limit reached"))
            self._waiting += 1
        try:
            with self._slots:
                yield
        finally:
            with self._lock:
                self._waiting -= 1

    def _count(self, call: Call) -> None:
        hour = self.clock.epoch() // 3600
        name = call.user.get("user_name", "")
        for rule in self.rules:
            if rule.user and rule.user != name:
                continue
            with self._lock:
                self._counts[rule.user, hour] += 1
                spent = self._counts[rule.user, hour] > rule.limit
            if spent:
                left = 3600 - self.clock.epoch() % 3600
                headers = {"Retry-After": str(left), "X-RateLimit-Limit": str(rule.limit), "X-RateLimit-Rule": "e" * 32,
                           "X-RateLimit-Reset": str((hour + 1) * 3600)}  # fmt: skip
                detail = f"Rate limit of {rule.limit} requests per hour for Table API exceeded"
                raise Refused(failure(429, "Rate limit exceeded", detail, headers))
