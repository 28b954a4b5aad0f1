"""All tables of a run through one pool of workers: idle ones take the later half of the longest slice."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from pipelines.contracts.table import Table
from pipelines.errors import DataQualityError
from pipelines.sources.servicenow.connection import SPOOL_BYTES, Pace
from pipelines.sources.servicenow.keyset import KeysetReader, Slice
from pipelines.sources.servicenow.snapshot import SnapshotReader
from pipelines.sources.servicenow.spool import Converter, Part
from pipelines.sources.servicenow.table_api import PageSize, TableApi, TableUnreadable
from pipelines.window import Window

LONG_SLICE_PAGES = 1.5  # a slice with more than this left is worth sharing


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
    """What came of one request. `parts`: Parquet files by day, in time order, each of one day, unique on the key."""

    table: Table
    state: str  # ok, denied, missing, failed
    reason: str
    parts: dict[date, tuple[Path, ...]]
    rows: int
    hidden_rows: int
    missing_columns: tuple[str, ...]
    pages: int
    seconds: float
    complete_until: datetime


@dataclass
class Reading:
    """One request while it is worked on; shared by workers and the converting thread."""

    request: ReadRequest
    reader: KeysetReader | SnapshotReader
    slices: list[Slice] = field(default_factory=list)
    open_jobs: int = 0
    parts: list[Part] = field(default_factory=list)
    problem: TableUnreadable | None = None
    has_objects: bool = False
    started: float = 0.0
    spools: int = 0

    @property
    def name(self) -> str:
        return self.request.table.name


@dataclass(frozen=True, slots=True)
class Job:
    reading: Reading
    part: Slice | None  # None: a snapshot


@dataclass(frozen=True, slots=True)
class Spooled:
    """A finished file of lines, to be converted; `lines` None says that the reading has no more."""

    reading: Reading
    lines: Path | None
    target: Path | None = None
    days: tuple[date, date] | None = None
    before: datetime | None = None


class Pool:
    """Workers over all readings of a run."""

    def __init__(self, api: TableApi, pace: Pace, instance: str, folder: Path, now: datetime, progress: Progress) -> None:
        self.api = api
        self.pace = pace
        self.instance = instance
        self.folder = folder
        self.now = now
        self.progress = progress
        self._jobs: deque[Job] = deque()
        self._active: list[Job] = []
        self._changed = threading.Condition()
        self._spooled: queue.Queue[Spooled] = queue.Queue(maxsize=4)
        self._fatal: BaseException | None = None

    def run(self, requests: Sequence[ReadRequest]) -> Iterator[Extracted]:
        """Yield each request's result as it is finished. An error of the whole instance ends all of them."""
        readings = [self._begin(r) for r in requests]
        logs = sum(1 for r in requests if r.window is not None)
        pieces = max(1, -(-self.pace.workers // max(1, logs)))
        for reading in readings:
            self._enqueue(reading, pieces)
        workers = [threading.Thread(target=self._work, name=f"reader {n}", daemon=True) for n in range(self.pace.workers)]
        converter = Converter(self.folder)
        for worker in workers:
            worker.start()
        try:
            yield from self._convert_all(converter, len(readings))
        finally:
            self._stop()
            for worker in workers:
                worker.join(timeout=self.pace.page_deadline_seconds)
            converter.close()

    def _begin(self, request: ReadRequest) -> Reading:
        assert request.table.source is not None
        source = request.table.source
        columns = tuple(request.table.wire_columns)
        size = PageSize(self.pace.page_size, self.pace.target_page_seconds)
        if request.window is not None:
            return Reading(request, KeysetReader(self.api, source.table, columns, request.window, size))
        return Reading(request, SnapshotReader(self.api, source.table, columns, source.query, size))

    def _enqueue(self, reading: Reading, pieces: int) -> None:
        window = reading.request.window
        jobs = [Job(reading, None)] if window is None else [Job(reading, Slice(w.start, w.end)) for w in window.split(pieces)]
        reading.slices = [job.part for job in jobs if job.part is not None]
        reading.open_jobs = len(jobs)
        self._jobs.extend(jobs)

    # -- workers

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                if job.reading.problem is None:
                    self._read(job)
            except TableUnreadable as problem:
                job.reading.problem = job.reading.problem or problem
            except BaseException as error:  # noqa: BLE001  # carried to the caller's thread, which raises it
                self._fail(error)
                return
            self._finish(job)

    def _next(self) -> Job | None:
        """A waiting job, else half of the longest slice, else None when all is done."""
        with self._changed:
            while True:
                if self._fatal is not None:
                    return None
                job = self._jobs.popleft() if self._jobs else self._steal()
                if job is not None:
                    self._active.append(job)
                    job.reading.started = job.reading.started or time.monotonic()
                    return job
                if not self._active:
                    return None
                self._changed.wait(timeout=0.05)

    def _steal(self) -> Job | None:
        logs = [job for job in self._active if job.part is not None]
        if not logs:
            return None
        longest = max(logs, key=lambda job: job.part.remaining() if job.part else 0.0)
        assert longest.part is not None
        if longest.part.remaining() < LONG_SLICE_PAGES * longest.reading.reader.size.now:
            return None
        taken = longest.part.halve()
        if taken is None:
            return None
        longest.reading.open_jobs += 1
        return Job(longest.reading, taken)

    def _finish(self, job: Job) -> None:
        with self._changed:
            self._active.remove(job)
            job.reading.open_jobs -= 1
            last = job.reading.open_jobs == 0
            self._changed.notify_all()
        if last:
            self._put(Spooled(job.reading, None))

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._fatal = self._fatal or error
            self._changed.notify_all()

    def _stop(self) -> None:
        """End the workers, also where the caller stopped listening or failed."""
        with self._changed:
            self._fatal = self._fatal or RuntimeError("stopped")
            self._changed.notify_all()

    def _put(self, item: Spooled) -> None:
        """Wait for room in the queue, which bounds what lies unconverted; give up when the run has ended."""
        while self._fatal is None:
            try:
                self._spooled.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def _read(self, job: Job) -> None:
        """Append pages to a spool file; hand it on when it is full."""
        reading, part = job.reading, job.part
        spool = _Spool(self, reading, part)
        try:
            if part is not None:
                assert isinstance(reading.reader, KeysetReader)
                reading.reader.read(part, lambda _, lines, rows, objects: spool.add(lines, rows, objects))
            else:
                assert isinstance(reading.reader, SnapshotReader)
                reading.reader.read(spool.add)
        finally:
            spool.close()

    # -- the caller's thread

    def _convert_all(self, converter: Converter, expected: int) -> Iterator[Extracted]:
        done = 0
        while done < expected:
            if self._fatal is not None:
                raise self._fatal
            try:
                item = self._spooled.get(timeout=0.2)
            except queue.Empty:
                continue
            if item.lines is not None:
                self._convert(converter, item)
                continue
            done += 1
            yield self._result(converter, item.reading)

    def _convert(self, converter: Converter, item: Spooled) -> None:
        assert item.lines is not None
        assert item.target is not None
        assert item.days is not None
        reading = item.reading
        try:
            reading.parts += converter.convert(
                reading.request.table, self.instance, item.lines, item.target, days=item.days, before=item.before,
                observed_at=self.now if reading.request.window is None else None, has_objects=reading.has_objects,
            )  # fmt: skip
        except DataQualityError as error:
            reading.problem = reading.problem or TableUnreadable("failed", error.cause)
        finally:
            item.lines.unlink(missing_ok=True)

    def _result(self, converter: Converter, reading: Reading) -> Extracted:
        request, reader = reading.request, reading.reader
        until = request.window.end if request.window else self.now
        seconds = time.monotonic() - reading.started if reading.started else 0.0
        problem = reading.problem
        if problem is not None:
            if problem.state == "unusable":
                raise DataQualityError(problem.reason, remedy=f"give the account read access to sys_id and sys_created_on of {reading.name}")
            return Extracted(request.table, problem.state, problem.reason, {}, 0, 0, (), reader.pages, seconds, until)
        by_day: dict[date, list[Part]] = {}
        for part in sorted(reading.parts, key=lambda p: p.path.name):
            by_day.setdefault(part.day, []).append(part)
        unique = {day: converter.unique(request.table, parts) for day, parts in by_day.items()}
        every = [part for parts in unique.values() for part in parts]
        rows = sum(part.rows for part in every)
        hidden = self._hidden(request, reader, rows)
        if not rows and hidden:
            reason = f"{hidden:,} rows exist and none is shown: the account has no read access to {reader.table}"
            return Extracted(request.table, "denied", reason, {}, 0, hidden, (), reader.pages, seconds, until)
        return Extracted(
            request.table, "ok", "", {day: tuple(p.path for p in parts) for day, parts in unique.items()}, rows, hidden,
            _missing(request.table, every, rows), reader.pages, seconds, until,
        )  # fmt: skip

    def _hidden(self, request: ReadRequest, reader: KeysetReader | SnapshotReader, rows: int) -> int:
        """Rows that the instance counts and does not show. The header's total is only a hint to ask the Aggregate API."""
        if reader.total is None or reader.total <= rows:
            return 0
        if isinstance(reader, SnapshotReader):
            counted = self.api.count(reader.table, reader.query)
        else:
            assert request.window is not None
            counted = self.api.count(reader.table, reader._between(request.window.start, request.window.end))
        return max(0, (counted or 0) - rows)


class _Spool:
    """The file that one job appends to."""

    def __init__(self, pool: Pool, reading: Reading, part: Slice | None) -> None:
        self.pool = pool
        self.reading = reading
        self.part = part
        self.path: Path | None = None
        self.size = 0

    def add(self, lines: bytes, rows: int, has_objects: bool) -> None:
        if has_objects:
            self.reading.has_objects = True
        if self.path is None:
            with self.pool._changed:
                self.reading.spools += 1
                number = self.reading.spools
            start = self.part.cursor if self.part else self.pool.now
            self.path = self.pool.folder / f"{self.reading.name}-{start:%Y%m%d%H%M%S}-{number:05d}.jsonl"
        with self.path.open("ab") as stream:
            stream.write(lines)
            stream.write(b"\n")
        self.size += len(lines) + 1
        self.pool.progress(self.reading.name.removeprefix("raw_servicenow__"), rows, 1)
        if self.size >= SPOOL_BYTES:
            self.flush()

    def flush(self) -> None:
        if self.path is None:
            return
        day = self.reading.request.day
        first = last = day
        before = None
        if self.part is not None:
            before = self.part.hi
            first = self.part.lo.date()
            last = (self.part.hi - timedelta(seconds=1)).date()
        assert first is not None
        assert last is not None
        self.pool._put(Spooled(self.reading, self.path, self.path.with_suffix(""), (first, last), before))
        self.path, self.size = None, 0

    def close(self) -> None:
        self.flush()


def _missing(table: Table, parts: list[Part], rows: int) -> tuple[str, ...]:
    """Columns that no row carried: hidden by an ACL, or not of this release."""
    if not rows:
        return ()
    absent: dict[str, int] = {}
    for part in parts:
        for column, count in part.absent.items():
            absent[column] = absent.get(column, 0) + count
    return tuple(c for c in table.columns if absent.get(c, 0) == rows)
