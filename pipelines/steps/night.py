"""What a step is given, and what it gives back."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

import duckdb

from pipelines.contracts import registry
from pipelines.contracts.table import Table
from pipelines.errors import UsageError
from pipelines.lake import Lake, Lease, Runs
from pipelines.settings import Settings
from pipelines.state_store import StateStore
from pipelines.window import days_between

log = logging.getLogger("nowguard")

LEASE_TTL = timedelta(minutes=10)  # renewed while a step works; a dead run frees the instance after this


class Reporting(Protocol):
    """Where progress goes: a terminal, a log or nowhere."""

    def __call__(self, table: str, rows: int, pages: int = 0) -> None: ...
    def done(self, table: str, text: str) -> None: ...
    def say(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of `mart.runs`: what a step did with one table on one day."""

    step: str
    table: str
    day: date
    state: str  # ok, empty, unchanged, denied, missing, failed, partial
    rows: int = 0
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class StepReport:
    """All rows of one step of one run."""

    step: str
    rows: tuple[StepRow, ...]
    seconds: float

    def lines(self) -> Iterator[str]:
        total = sum(r.rows for r in self.rows)
        yield f"{self.step}: {total:,} rows in {self.seconds:.1f} s"
        yield from (f"{self.step}: {r.table} {r.day} {r.state} {r.message}" for r in self.rows if r.message)


@dataclass(frozen=True)
class Night:
    """One run over the days first..last of one instance. Everything relative is relative to these days."""

    settings: Settings
    lake: Lake
    store: StateStore
    runs: Runs
    run_uid: str
    first: date
    last: date
    progress: Reporting
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def instance(self) -> str:
        return self.settings.instance

    @property
    def days(self) -> list[date]:
        return days_between(self.first, self.last)

    @contextmanager
    def spool(self) -> Iterator[Path]:
        """Scratch space of this run, gone after the block however it ends; the sweep removes what a dead run left."""
        folder = self.settings.data_dir / "tmp" / self.run_uid
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """The right to write this instance; a second run gets `Busy`."""
        with self.lake.acquire(self.instance, None, owner=self.run_uid, ttl=LEASE_TTL) as lease:
            yield lease

    def asked_for(self, day: date) -> bool:
        return self.first <= day <= self.last

    def connect(self, sharing: int = 1) -> duckdb.DuckDBPyConnection:
        """A DuckDB with this run's memory and threads, or with the part of each of `sharing` that work side by side."""
        limit = share_of(self.settings.memory_limit, sharing)
        return self.lake.connect(limit, max(1, self.settings.threads // sharing))

    def landed_days(self) -> list[date]:
        """Days to derive, in order: from the first on which a log of actions holds a row, up to the last one.

        Days before that hold context only (attachments and audit reach further back than logins do).
        """
        logs = [t for t in registry().values() if t.source is not None and t.source.mode == "append"]
        actions = [t for t in logs if t.source is not None and t.source.history_days is not None]
        held = {t.name: self.lake.ledger.rows_by_day(self.instance, t.name) for t in logs}
        filled = [day for t in actions or logs for day, rows in held[t.name].items() if rows]
        if not filled:
            filled = [day for found in held.values() for day, rows in found.items() if rows]
        first = min(filled, default=self.first)
        return sorted({day for found in held.values() for day in found if first <= day <= self.last})

    def latest_before(self, table: Table, day: date) -> list[date]:
        """The newest partition before `day`, as a list of at most one: what a state is carried on from."""
        return [d for d in self.lake.days(table, self.instance) if d < day][-1:]


def share_of(memory_limit: str, among: int) -> str:
    """The part of a DuckDB memory limit that each of `among` gets: "2GB" among 2 is "1GB"."""
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", memory_limit).groups()  # type: ignore[union-attr]  # checked by settings
    return f"{float(number) / among:g}{unit}"


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds of the block, as the only element of the yielded list, by the monotonic clock."""
    spent: list[float] = []
    started = time.monotonic()
    try:
        yield spent
    finally:
        spent.append(time.monotonic() - started)


def revision_of(*parts: object) -> str:
    """Sixteen hex digits over the JSON of `parts`: configuration that decides a result, in a fingerprint."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tables_of(layer: str) -> Sequence[Table]:
    return [t for t in registry().values() if t.layer == layer]


def require_instance(settings: Settings) -> None:
    if not settings.instance:
        raise UsageError(
            "no instance is configured", remedy="set NOWGUARD_INSTANCE_URL, e.g. https://acme.service-now.com"
        )
