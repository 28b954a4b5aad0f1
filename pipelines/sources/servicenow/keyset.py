"""Read one closed slice of a log by keyset on (`sys_created_on`, `sys_id`): nothing lost, nothing twice.

The next page starts at the second of the last row, and what was already seen of that second is dropped. A page that brings
nothing new ends the slice, unless the instance counts more rows than a page could hold: then a second is fuller than a page
(drained by `sys_id`) or a page's worth of rows is hidden by ACLs (stepped over by bisecting time). Offsets, short pages and
`Link` are never believed: the limit is applied before ACLs.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.sources.servicenow.page import Bytes, Page, text_of
from pipelines.sources.servicenow.query import all_of, ordered, term, wire_time
from pipelines.sources.servicenow.snapshot import Sink, SnapshotReader
from pipelines.sources.servicenow.table_api import KEY, PageSize, TableApi, TableUnreadable
from pipelines.sources.servicenow.transport import BadPage
from pipelines.window import Window

TIME = "sys_created_on"
SECOND = timedelta(seconds=1)
WIRE = "%Y-%m-%d %H:%M:%S"
NEVER = "2999-01-01 00:00:00"  # a filter on it must return nothing; if it returns rows, it was dropped
MARGIN = 1.15  # how much more than estimated the last page of a slice asks for, so as to see beyond its end
PROBES = 6
FEW_PAGES = 5


@dataclass
class Slice:
    """Rows with lo <= sys_created_on < hi. `hi` can move down while the slice is read: another worker took the rest."""

    lo: datetime
    hi: datetime
    cursor: datetime = field(init=False)
    rows: int = 0
    seen: set[str] = field(default_factory=set)  # ids of the cursor's second that were passed on
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

    def advance(self, cursor: datetime, seen: set[str], rows: int) -> datetime:
        """After a page: everything before `cursor` was read, and `seen` of its second.

        Returns where the slice ends. What was read beyond it is another worker's, and it cannot move below `cursor` later.
        """
        with self.lock:
            self.cursor, self.seen = cursor, seen
            self.rows += rows
            return self.hi


class KeysetReader:
    """Reads the slices of one table and window; several workers may use it at once. `query` narrows what is read."""

    def __init__(
        self, api: TableApi, table: str, columns: tuple[str, ...], window: Window, size: PageSize, query: str = ""
    ) -> None:
        self.api = api
        self.table = table
        self.columns = columns
        self.window = window
        self.size = size
        self.query = query
        self.pages = 0
        self.total: int | None = None  # what the instance counts in the whole window, blind to ACLs
        self._lock = threading.Lock()
        self._found_any = False
        self._drops_ranges: bool | None = None

    def read(self, part: Slice, sink: Sink) -> None:
        """Hand every new row of `part` to `sink(lines, rows, has_objects)`, in order."""
        count = part.lo == self.window.start
        while True:
            page, limit = self._page(part, count)
            if page.rows and self._take(part, page, sink):
                if part.cursor >= part.hi:
                    return
                count = page.rows < limit
                del page  # its bytes are not kept beside those of the next
                continue
            if self._is_over(part, page, limit, sink):
                return
            count = True

    def _page(self, part: Slice, count: bool) -> tuple[Page, int]:
        query = ordered(self.between(part.cursor, self.window.end), TIME, KEY)
        left = part.remaining()
        most = 0
        if part.hi < self.window.end and left:
            most = max(200, int(left * MARGIN) + 50 + len(part.seen))
        page, limit = self.api.page(
            self.table, query, self.columns, self.size, key=TIME, most=most, count=count,
            check=lambda p: self._check(p, wire_time(part.cursor)),
        )  # fmt: skip
        with self._lock:
            self.pages += 1
            if count and self.total is None and part.cursor == self.window.start:
                self.total = page.total
        return page, limit

    def _check(self, page: Page, since: str) -> None:
        """Refuse a page that is not what was asked for: without its key, out of order, or from another time."""
        if not page.rows:
            return
        if not (all(page.keys) and text_of(page.first(), KEY) and text_of(page.last(), KEY)):
            absent = TIME if not all(page.keys) else KEY
            raise TableUnreadable(
                "unusable", f"{self.table} comes without {absent}: rows cannot be told apart or placed"
            )
        if list(page.keys) != sorted(page.keys):
            raise BadPage("rows are not in the order asked for; does the account lack query_range?")
        if page.keys[0] < since or page.keys[-1] >= wire_time(self.window.end):
            if self._drops_ranges is None:
                self._drops_ranges = self.api.drops_ranges(self.table, TIME, NEVER)
            if self._drops_ranges:
                raise TableUnreadable(
                    "failed",
                    f"{self.table}: filters on {TIME} are ignored for this account: grant query_range (query ACL)",
                )
            raise BadPage("rows of another time than asked for came back")
        try:
            datetime.strptime(page.keys[-1], WIRE)  # noqa: DTZ007  # the wire means UTC
        except ValueError:
            raise BadPage(f"{TIME} is not a date and time") from None

    def _take(self, part: Slice, page: Page, sink: Sink) -> bool:
        """Pass on what is new and move the cursor; False where the page held nothing new."""
        again = bisect_right(page.keys, wire_time(part.cursor)) if part.seen else 0
        kept = [n for n in range(again) if text_of(page.row(n), KEY) not in part.seen]  # only the cursor's second
        fresh = len(kept) + page.rows - again
        if not fresh:
            return False
        self._found_any = True
        last = datetime.strptime(page.keys[-1], WIRE)  # noqa: DTZ007
        known = part.seen if last == part.cursor else set()
        until = part.advance(last, known | self._ids_of_last_second(page), fresh)
        stop = bisect_left(page.keys, wire_time(until))
        kept = [n for n in kept if n < stop]
        lines: list[Bytes] = [page.between(n, n + 1) for n in kept]
        if again < stop:
            lines.append(page.between(again, stop))
        if lines:
            sink(lines, len(kept) + max(0, stop - again), page.has_objects)
        return True

    def _ids_of_last_second(self, page: Page) -> set[str]:
        return {text_of(page.row(n), KEY) for n in range(bisect_left(page.keys, page.keys[-1]), page.rows)}

    def _is_over(self, part: Slice, page: Page, limit: int, sink: Sink) -> bool:
        """After a page without news: the end, or a place where news is out of the page's reach."""
        total = page.total
        if total is None:
            total = self.api.count(self.table, self.between(part.cursor, self.window.end))
        if total is None or total <= limit:
            return True
        if not page.rows:
            self._refuse_if_all_hidden(total)
        if (self.api.count(self.table, self.between(part.cursor, part.cursor + SECOND)) or 0) > limit:
            self._drain(part, sink)
            after = part.cursor + SECOND
        else:
            after = self._beyond_hidden(part.cursor, limit)
        part.advance(after, set(), 0)
        return part.cursor >= part.hi

    def _drain(self, part: Slice, sink: Sink) -> None:
        """All rows of the cursor's second by `sys_id`: there are more of them than a page holds."""
        reader = SnapshotReader(
            self.api, self.table, self.columns, all_of(self.query, term(TIME, "=", part.cursor)), self.size,
            known=part.seen, is_part=True,
        )  # fmt: skip

        def pass_on(lines: list[Bytes], rows: int, objects: bool) -> None:
            with part.lock:
                part.rows += rows
            sink(lines, rows, objects)

        reader.read(pass_on)
        with self._lock:
            self.pages += reader.pages

    def _beyond_hidden(self, since: datetime, limit: int) -> datetime:
        """An instant before which at most a page's worth of rows lies, and at least half where time can be cut so finely.

        All of those were asked for and are hidden.
        """
        low, high = since + SECOND, self.window.end
        while high - low > SECOND:
            middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
            count = self.api.count(self.table, self.between(since, middle)) or 0
            if count > limit:
                high = middle
                continue
            low = middle
            if 2 * count >= limit:
                break
        return low

    def _refuse_if_all_hidden(self, total: int) -> None:
        """A whole page hidden before any row was seen: look at other places before taking the table for unreadable.

        A few pages are rather walked through, which proves it.
        """
        if self._found_any or total <= FEW_PAGES * self.size.most:
            return
        step = (self.window.end - self.window.start) / PROBES
        places = [
            ordered(self.between(self.window.start + step * n, self.window.end), TIME) for n in range(PROBES - 1, 0, -1)
        ]
        newest = all_of(self.between(self.window.start, self.window.end), f"ORDERBYDESC{TIME}", f"ORDERBYDESC{KEY}")
        for query in (newest, *places):
            page, _ = self.api.page(self.table, query, (KEY, TIME), self.size)
            if page.rows:
                self._found_any = True
                return
        raise TableUnreadable(
            "denied", f"{total:,} rows exist and none is shown: the account has no read access to {self.table}"
        )

    def between(self, low: datetime, high: datetime) -> str:
        """The query of low <= time < high."""
        return all_of(self.query, term(TIME, ">=", low), term(TIME, "<", high))
