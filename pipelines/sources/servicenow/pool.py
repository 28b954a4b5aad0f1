"""All tables of a run through one pool of workers: idle ones take the later half of the longest slice."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.errors import DataQualityError
from pipelines.sources.servicenow.connection import Pace
from pipelines.sources.servicenow.keyset import KeysetReader, Slice
from pipelines.sources.servicenow.page import Bytes
from pipelines.sources.servicenow.parquet import Converter
from pipelines.sources.servicenow.reading import Extracted, Progress, Reading, ReadRequest
from pipelines.sources.servicenow.snapshot import SnapshotReader
from pipelines.sources.servicenow.spool import Lines, Spool
from pipelines.sources.servicenow.table_api import PageSize, TableApi, TableUnreadable

LONG_SLICE_PAGES = 1.5  # a slice with more than this left is worth sharing
SECOND = timedelta(seconds=1)
LAST_WORDS = 5.0  # seconds that a worker gets to notice the end of a failed run


@dataclass(frozen=True, slots=True)
class Job:
    reading: Reading
    part: Slice | None  # None: a snapshot


@dataclass(frozen=True, slots=True)
class Spooled:
    """A finished file of lines, to be converted; `lines` None says that the reading has no more."""

    reading: Reading
    lines: Lines | None


class Pool:
    """Workers over all readings of a run, and the caller's thread, which converts."""

    def __init__(
        self, api: TableApi, pace: Pace, instance: str, folder: Path, now: datetime, progress: Progress
    ) -> None:
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
        workers = [
            threading.Thread(target=self._work, name=f"reader {n}", daemon=True) for n in range(self.pace.workers)
        ]
        converter = Converter(self.folder)
        for worker in workers:
            worker.start()
        try:
            yield from self._convert_all(converter, len(readings))
        finally:
            self._stop()
            for worker in workers:
                worker.join(timeout=LAST_WORDS)
            converter.close()

    def _begin(self, request: ReadRequest) -> Reading:
        source = request.table.source
        assert source is not None
        columns = tuple(request.table.wire_columns)
        size = PageSize(self.pace.page_size, self.pace.target_page_seconds)
        if request.window is not None:
            return Reading(request, KeysetReader(self.api, source.table, columns, request.window, size, source.query))
        return Reading(request, SnapshotReader(self.api, source.table, columns, source.query, size))

    def _enqueue(self, reading: Reading, pieces: int) -> None:
        window = reading.request.window
        parts = [None] if window is None else [Slice(w.start, w.end) for w in window.split(pieces)]
        reading.open_jobs = len(parts)
        self._jobs.extend(Job(reading, part) for part in parts)

    # -- workers

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                if job.reading.problem is None:
                    self._read(job)
            except TableUnreadable as problem:
                job.reading.problem = job.reading.problem or problem
            except BaseException as error:  # noqa: BLE001  # carried to the caller's thread, which raises it
                self._end(error)
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
        slices = [(job.part.remaining(), job.part, job.reading) for job in self._active if job.part is not None]
        if not slices:
            return None
        left, longest, reading = max(slices, key=lambda found: found[0])
        if left < LONG_SLICE_PAGES * reading.reader.size.now:
            return None
        taken = longest.halve()
        if taken is None:
            return None
        reading.open_jobs += 1
        return Job(reading, taken)

    def _finish(self, job: Job) -> None:
        with self._changed:
            self._active.remove(job)
            job.reading.open_jobs -= 1
            last = job.reading.open_jobs == 0
            self._changed.notify_all()
        if last:
            self._put(Spooled(job.reading, None))

    def _end(self, error: BaseException) -> None:
        with self._changed:
            self._fatal = self._fatal or error
            self._changed.notify_all()

    def _stop(self) -> None:
        """End the workers, also where the caller stopped listening or failed."""
        self._end(_Stopped())

    def _put(self, item: Spooled) -> None:
        """Wait for room in the queue, which bounds what lies unconverted; give up when the run has ended."""
        while self._fatal is None:
            try:
                self._spooled.put(item, timeout=0.2)
                return
            except queue.Full:
                continue
        raise _Stopped

    def _read(self, job: Job) -> None:
        """Append pages to spool files; each is handed on when it is full."""
        reading, part = job.reading, job.part
        name = reading.name.removeprefix("raw_servicenow__")
        start = part.lo if part else self.now
        spool = Spool(
            self.folder,
            f"{name}-{start:%Y%m%d%H%M%S}",
            lambda path, rows, objects: self._hand_on(job, path, rows, objects),
        )

        def keep(lines: list[Bytes], rows: int, has_objects: bool) -> None:
            spool.add(lines, rows, has_objects)
            self.progress(name, rows, 1)

        if isinstance(reading.reader, KeysetReader):
            assert part is not None
            reading.reader.read(part, keep)
        else:
            reading.reader.read(keep)
        spool.close()

    def _hand_on(self, job: Job, path: Path, rows: int, has_objects: bool) -> None:
        part, day = job.part, job.reading.request.day or self.now.date()
        if part is None:
            lines = Lines(path, rows, day, day, observed_at=self.now, has_objects=has_objects)
        else:
            lines = Lines(path, rows, part.lo.date(), (part.hi - SECOND).date(), has_objects=has_objects)
        self._put(Spooled(job.reading, lines))

    # -- the caller's thread

    def _convert_all(self, converter: Converter, expected: int) -> Iterator[Extracted]:
        """Results as they are complete; a table without keys ends the run with an error, after the others."""
        unusable: DataQualityError | None = None
        done = 0
        while done < expected:
            item = self._take()
            if item.lines is not None:
                self._convert(converter, item.reading, item.lines)
                continue
            done += 1
            try:
                result = item.reading.result(self.api, self.now)
            except DataQualityError as error:
                unusable = unusable or error
                continue
            yield result
        if unusable is not None:
            raise unusable

    def _take(self) -> Spooled:
        while True:
            if self._fatal is not None:
                raise self._fatal
            try:
                return self._spooled.get(timeout=0.2)
            except queue.Empty:
                continue

    def _convert(self, converter: Converter, reading: Reading, lines: Lines) -> None:
        try:
            if reading.problem is None:
                reading.parts += converter.convert(reading.request.table, self.instance, lines)
        except DataQualityError as error:
            reading.problem = TableUnreadable("failed", error.cause)
        finally:
            lines.path.unlink(missing_ok=True)


class _Stopped(Exception):
    """The run has ended; a worker that learns it leaves."""
