"""What is asked for and what came of it: one request per table, one result per request."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol

from pipelines.contracts.table import Table
from pipelines.errors import DataQualityError
from pipelines.sources.servicenow.keyset import KeysetReader
from pipelines.sources.servicenow.parquet import Part
from pipelines.sources.servicenow.snapshot import SnapshotReader
from pipelines.sources.servicenow.table_api import TableApi, TableUnreadable
from pipelines.window import Window

State = Literal["ok", "denied", "missing", "failed"]


class Progress(Protocol):
    def __call__(self, table: str, rows: int, pages: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A log over a closed window, or a snapshot filed under `day`."""

    table: Table
    window: Window | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """What came of one request. `parts`: Parquet files by day, in time order, each of one day, unique on the key.

    `hidden_rows`: the instance counts them and does not show them. `complete_until`: every row before it that the account
    may see is here; later ones are for the next run.
    """

    table: Table
    state: State
    reason: str
    parts: Mapping[date, tuple[Path, ...]]
    rows: int
    hidden_rows: int
    missing_columns: tuple[str, ...]
    pages: int
    seconds: float
    complete_until: datetime


@dataclass
class Reading:
    """One request while it is worked on; shared by the workers and the converting thread."""

    request: ReadRequest
    reader: KeysetReader | SnapshotReader
    open_jobs: int = 0
    parts: list[Part] = field(default_factory=list)
    problem: TableUnreadable | None = None
    started: float = 0.0

    @property
    def name(self) -> str:
        return self.request.table.name

    def result(self, api: TableApi, now: datetime) -> Extracted:
        """Raises `DataQualityError` where rows have no key or no time: nothing can be said of such a table."""
        request, reader = self.request, self.reader
        until = request.window.end if request.window else now
        seconds = time.monotonic() - self.started if self.started else 0.0
        if self.problem is not None:
            return self._unreadable(self.problem, seconds, until)
        rows = sum(part.rows for part in self.parts)
        hidden = self._hidden(api, rows)
        if hidden and not rows:
            reason = f"{hidden:,} rows exist and none is shown: the account has no read access to {reader.table}"
            return Extracted(request.table, "denied", reason, {}, 0, hidden, (), reader.pages, seconds, until)
        by_day: dict[date, list[Path]] = {}
        for part in sorted(self.parts, key=lambda p: p.path.name):
            by_day.setdefault(part.day, []).append(part.path)
        return Extracted(
            request.table, "ok", "", {day: tuple(by_day[day]) for day in sorted(by_day)}, rows, hidden,
            _missing(request.table, self.parts, rows), reader.pages, seconds, until,
        )  # fmt: skip

    def _unreadable(self, problem: TableUnreadable, seconds: float, until: datetime) -> Extracted:
        source = self.request.table.source
        if problem.state == "unusable" and (source is None or source.purpose == "activity"):
            raise DataQualityError(
                problem.reason, remedy=f"give the account read access to sys_id and sys_created_on of {self.name}"
            )
        state: State = (
            "denied"
            if problem.state in {"denied", "unusable"}
            else "missing"
            if problem.state == "missing"
            else "failed"
        )
        return Extracted(self.request.table, state, problem.reason, {}, 0, 0, (), self.reader.pages, seconds, until)

    def _hidden(self, api: TableApi, rows: int) -> int:
        """Rows that the instance counts and does not show. A header's total is only a hint to ask the Aggregate API."""
        reader = self.reader
        if reader.total is not None and reader.total <= rows:
            return 0
        window = self.request.window
        query = (
            reader.between(window.start, window.end) if isinstance(reader, KeysetReader) and window else reader.query
        )
        return max(0, (api.count(reader.table, query) or 0) - rows)


def _missing(table: Table, parts: Sequence[Part], rows: int) -> tuple[str, ...]:
    """Columns that no row carried: hidden by an ACL, or not of this release."""
    if not rows:
        return ()
    absent: dict[str, int] = {}
    for part in parts:
        for column, count in part.absent.items():
            absent[column] = absent.get(column, 0) + count
    return tuple(c for c in table.columns if absent.get(c, 0) == rows)
