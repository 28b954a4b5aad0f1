"""Read one closed slice of a log by keyset on (`sys_created_on`, `sys_id`): nothing lost, nothing twice.

The next page starts at the second of the last row, and what was already seen of that second is dropped. A page that brings
nothing new ends the slice, unless the instance counts more rows than a page could hold: then a second is fuller than a page
(drained by `sys_id`) or a page's worth of rows is hidden by ACLs (stepped over by bisecting time). Offsets, short pages and
`Link` are never believed: the limit is applied before ACLs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.sources.servicenow.page import Page, text_of
from pipelines.sources.servicenow.query import all_of, ordered, term
from pipelines.sources.servicenow.table_api import PageSize, TableApi, TableUnreadable
from pipelines.sources.servicenow.transport import BadPage
from pipelines.window import Window

TIME, KEY = "sys_created_on", "sys_id"
SECOND = timedelta(seconds=1)
WIRE = "%Y-%m-%d %H:%M:%S"
MARGIN = 1.15  # how much more than estimated the last page of a slice asks for, so as to see beyond its end


@dataclass
class Slice:
    """Rows with lo <= sys_created_on < hi. `hi` can move down while the slice is read: another worker took the rest."""

    lo: datetime
    hi: datetime
    cursor: datetime = field(init=False)
    rows: int = 0
    seen: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.cursor = self.lo

    def remaining(self) -> float:
        """Rows that are likely still to come, by the density so far; 0 before the first page."""
        passed = (self.cursor - self.lo).total_seconds()
        return self.rows / passed * (self.hi - self.cursor).total_seconds() if passed > 0 else 0.0

    def halve(self) -> Slice | None:
        """Give the later half of what remains to another worker; None where it is too short to cut."""
        with self.lock:
            middle = self.cursor + timedelta(seconds=int((self.hi - self.cursor).total_seconds()) // 2)
            if middle - self.cursor < 2 * SECOND or self.hi - middle < SECOND:
                return None
            taken = Slice(middle, self.hi)
            self.hi = middle
            return taken


Sink = Callable[[Slice, bytes, int, bool], None]


class KeysetReader:
    """Reads the slices of one table and window; several workers may use it at once."""

    def __init__(self, api: TableApi, table: str, columns: tuple[str, ...], window: Window, size: PageSize) -> None:
        self.api = api
        self.table = table
        self.columns = columns
        self.window = window
        self.size = size
        self.pages = 0
        self.total: int | None = None  # what the instance counts in the whole window, blind to ACLs
        self._lock = threading.Lock()
        self._found_any = False

    def read(self, part: Slice, sink: Sink) -> None:
        """Hand every new row of `part` to `sink(slice, lines, rows, has_objects)`, in order."""
        count = part.lo == self.window.start
        while True:
            page, limit = self._page(part, count)
            if page.rows and self._take(part, page, sink):
                if part.cursor >= part.hi:
                    return
                count = page.rows < limit
                continue
            if self._is_over(part, page, limit, sink):
                return
            count = True

    def _page(self, part: Slice, count: bool) -> tuple[Page, int]:
        query = ordered(all_of(term(TIME, ">=", part.cursor), term(TIME, "<", self.window.end)), TIME, KEY)
        left = part.remaining()
        most = 0
        if part.hi < self.window.end and left:
            most = max(200, int(left * MARGIN) + 50 + len(part.seen))
        page, limit = self.api.page(self.table, query, self.columns, self.size, most=most, count=count)
        with self._lock:
            self.pages += 1
            if count and self.total is None and part.lo == self.window.start and part.cursor == part.lo:
                self.total = page.total
        return page, limit

    def _take(self, part: Slice, page: Page, sink: Sink) -> bool:
        """Pass on what is new and move the cursor; False where the page held nothing new."""
        lines, dropped = self._without_seen(part, page)
        rows = page.rows - dropped
        last = page.last()
        time = self._time(last, part)
        if rows <= 0:
            return False
        self._found_any = True
        sink(part, lines, rows, page.has_objects)
        with part.lock:
            part.seen = self._ids_at(lines, time, part.seen if time == part.cursor else set())
            part.cursor = time
            part.rows += rows
        return True

    def _without_seen(self, part: Slice, page: Page) -> tuple[bytes, int]:
        """The page's lines less those of the cursor's second that were seen before. Only that second is looked at."""
        from orjson import loads

        lines, dropped, kept = page.lines, 0, []
        position = 0
        while position < len(lines):
            end = lines.find(b"\n", position)
            end = len(lines) if end < 0 else end
            row = loads(lines[position:end])
            if self._time(row, part) > part.cursor:
                break
            if text_of(row, KEY) in part.seen:
                dropped += 1
            else:
                kept.append(lines[position:end])
            position = end + 1
        if not dropped:
            return lines, 0
        return b"\n".join([*kept, lines[position:]] if position < len(lines) else kept), dropped

    def _ids_at(self, lines: bytes, time: datetime, before: set[str]) -> set[str]:
        """Ids of the rows of the last second, read from the end backwards."""
        from orjson import loads

        wanted, ids, end = time.strftime(WIRE), set(before), len(lines)
        while end > 0:
            start = lines.rfind(b"\n", 0, end) + 1
            row = loads(lines[start:end])
            if text_of(row, TIME) != wanted:
                break
            ids.add(text_of(row, KEY))
            end = start - 1
        return ids

    def _time(self, row: dict[str, object], part: Slice) -> datetime:
        """The row's time, checked: a row outside of what was asked means that the filter was dropped."""
        if KEY not in row or TIME not in row:
            absent = KEY if KEY not in row else TIME
            raise TableUnreadable("unusable", f"{self.table} comes without {absent}: rows cannot be told apart or placed")
        text = text_of(row, TIME)
        try:
            moment = datetime.strptime(text, WIRE)  # noqa: DTZ007  # the wire means UTC
        except ValueError:
            raise BadPage(f"{TIME} is not a date and time") from None
        if not part.cursor <= moment < self.window.end:
            raise TableUnreadable(
                "failed", f"{self.table}: a row outside of the requested time came back; the account lacks range rights (query ACL) on {TIME}"
            )
        return moment

    def _is_over(self, part: Slice, page: Page, limit: int, sink: Sink) -> bool:
        """After a page without news: the end, or a place where news is out of the page's reach."""
        total = page.total
        if total is None:
            total = self.api.count(self.table, self._between(part.cursor, self.window.end))
        if total is None or total <= limit:
            return True
        if not self._found_any and not page.rows:
            self._refuse_if_all_hidden(total)
        if (self.api.count(self.table, self._between(part.cursor, part.cursor + SECOND)) or 0) > limit:
            self._drain(part, sink)
            after = part.cursor + SECOND
        else:
            after = self._beyond_hidden(part, limit)
        with part.lock:
            part.cursor, part.seen = after, set()
        return part.cursor >= part.hi

    def _drain(self, part: Slice, sink: Sink) -> None:
        """All rows of the cursor's second by `sys_id`: there are more of them than a page holds."""
        last = max(part.seen, default="")
        exact = term(TIME, "=", part.cursor)
        while True:
            query = ordered(all_of(exact, term(KEY, ">", last) if last else ""), KEY)
            page, _ = self.api.page(self.table, query, self.columns, self.size)
            self.pages += 1
            if not page.rows:
                return
            lines, dropped = self._without_seen(part, page)
            newest = text_of(page.last(), KEY)
            if newest <= last:
                return
            if page.rows > dropped:
                sink(part, lines, page.rows - dropped, page.has_objects)
                part.rows += page.rows - dropped
            last = newest

    def _beyond_hidden(self, part: Slice, limit: int) -> datetime:
        """The latest instant before which a page's worth of rows fits: all of those were asked for and are hidden."""
        low, high = part.cursor + SECOND, self.window.end
        while high - low > SECOND:
            middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
            if (self.api.count(self.table, self._between(part.cursor, middle)) or 0) <= limit:
                low = middle
            else:
                high = middle
        return low

    def _refuse_if_all_hidden(self, total: int) -> None:
        """A whole page hidden at the start: look at the other end before taking the table for unreadable."""
        query = all_of(self._between(self.window.start, self.window.end), f"ORDERBYDESC{TIME}")
        page, _ = self.api.page(self.table, query, (KEY, TIME), self.size)
        if not page.rows:
            raise TableUnreadable("denied", f"{total:,} rows exist and none is shown: the account has no read access to {self.table}")
        self._found_any = True

    def _between(self, low: datetime, high: datetime) -> str:
        return all_of(term(TIME, ">=", low), term(TIME, "<", high))
