"""Read a slowly changing table whole, by keyset on `sys_id`.

The cursor is the last id in the *instance's* order: its collation need not be ours. Where the instance ignores the filter
or the order (a query ACL, a virtual table), the table is read by offset instead and accepted only if as many distinct rows
came as the instance counts: then nothing can have been skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from pipelines.sources.servicenow.page import Bytes, Page
from pipelines.sources.servicenow.query import all_of, ordered, term
from pipelines.sources.servicenow.table_api import KEY, PageSize, TableApi, TableUnreadable
from pipelines.sources.servicenow.transport import BadPage

LAST = (1 << 128) - 1
BEYOND = "~" * 32  # after every id, in any collation
Sink = Callable[[list[Bytes], int, bool], None]


class SnapshotReader:
    """Pages of one table in the order of `sys_id`; a page that brings nothing new ends it."""

    def __init__(
        self, api: TableApi, table: str, columns: tuple[str, ...], query: str, size: PageSize, *,
        known: Collection[str] = (), is_part: bool = False,
    ) -> None:  # fmt: skip
        """`known`: ids that were passed on before, left out. `is_part`: `query` covers a part, so emptiness says nothing."""
        self.api = api
        self.table = table
        self.columns = columns
        self.query = query
        self.size = size
        self.pages = 0
        self.rows = 0
        self.total: int | None = None  # what the instance counts, blind to ACLs
        self._has_ranges: bool | None = None
        self._known = frozenset(known)
        self._is_part = is_part
        self._previous: frozenset[str] = frozenset()

    def read(self, sink: Sink) -> None:
        try:
            self._by_keyset(sink)
        except _RangesIgnored:
            self._by_offset(sink)

    def _by_keyset(self, sink: Sink) -> None:
        last, count = "", True
        while True:
            page, limit = self.api.page(
                self.table, ordered(self._after(last), KEY), self.columns, self.size, count=count, check=self._check
            )
            self.pages += 1
            if self.total is None:
                self.total = page.total
            if page.rows:
                self._pass_on(page, sink)
                self._previous = frozenset(page.keys)
                last, count = page.keys[-1], page.rows < limit
                del page  # its bytes are not kept beside those of the next
                continue
            following = self._beyond_hidden(last, page.total, limit)
            if following is None:
                return
            last, count = following, True

    def _pass_on(self, page: Page, sink: Sink) -> None:
        fresh = (
            [number for number, key in enumerate(page.keys) if key not in self._known]
            if self._known
            else range(page.rows)
        )
        if fresh:
            sink(_picked(page, fresh), len(fresh), page.has_objects)
        self.rows += page.rows

    def _check(self, page: Page) -> None:
        """Refuse a page that is not what was asked for."""
        if not page.rows:
            return
        if not all(page.keys):
            raise TableUnreadable("unusable", f"{self.table} comes without {KEY}: rows cannot be told apart")
        if not self._previous.isdisjoint(page.keys) or not _is_ordered(page.keys):
            if self._has_ranges is None:
                self._has_ranges = not self.api.drops_ranges(self.table, KEY, BEYOND)
            if not self._has_ranges or not _is_ordered(page.keys):
                raise _RangesIgnored
            raise BadPage("rows of the page before came again")

    def _after(self, last: str) -> str:
        return all_of(self.query, term(KEY, ">", last) if last else "")

    def _beyond_hidden(self, last: str, total: int | None, limit: int) -> str | None:
        """The `sys_id` up to which everything was asked for and is hidden by ACLs; None at the end of the table."""
        if total is None:
            total = self.api.count(self.table, self._after(last))
        if total is None or total <= limit:
            return None
        low, high = _number(last), LAST
        if not self.rows and not self._is_part and self._is_hidden_everywhere():
            raise TableUnreadable(
                "denied", f"{total:,} rows exist and none is shown: the account has no read access to {self.table}"
            )
        while high - low > 1:
            middle = (low + high) // 2
            count = self.api.count(self.table, all_of(self._after(last), term(KEY, "<=", f"{middle:032x}"))) or 0
            if count > limit:
                high = middle
                continue
            low = middle
            if 2 * count >= limit:
                break  # progress enough: the rest is asked for next
        return f"{low:032x}"

    def _is_hidden_everywhere(self) -> bool:
        """Look into the table at sixteen places before taking it for unreadable."""
        for digit in "123456789abcdef":
            page, _ = self.api.page(self.table, ordered(self._after(digit), KEY), (KEY,), self.size)
            if page.rows:
                return False
        return True

    def _by_offset(self, sink: Sink) -> None:
        """Offsets skip and repeat rows of a changing table: what comes is counted against what the instance counts."""
        if self.pages > 1:
            raise TableUnreadable("failed", f"{self.table}: the order of its rows changed while it was read")
        seen, offset = {*self._previous, *self._known}, 0
        self.total = None
        while True:
            page, limit = self.api.page(
                self.table, ordered(self.query, KEY), self.columns, self.size, count=True, offset=offset
            )
            self.pages += 1
            self.total = page.total if self.total is None else self.total
            fresh = []
            for number, key in enumerate(page.keys):
                if key not in seen:
                    seen.add(key)
                    fresh.append(number)
            if fresh:
                sink(_picked(page, fresh), len(fresh), page.has_objects)
                self.rows += len(fresh)
            offset += limit
            if page.rows > limit or (not fresh and offset >= (self.total or 0)):
                break
        if self.total is not None and self.rows < self.total:
            raise TableUnreadable(
                "failed",
                f"{self.table}: {self.rows:,} of {self.total:,} rows came, and the account lacks range rights on {KEY} "
                "(query ACL): grant query_range",
            )


class _RangesIgnored(Exception):
    """The instance drops filters or order on `sys_id` for this account or table."""


def _is_ordered(keys: tuple[str, ...]) -> bool:
    """By bytes, or by a collation that ignores case."""
    listed = list(keys)
    upper = [key.upper() for key in keys]
    return listed == sorted(listed) or upper == sorted(upper)


def _number(sys_id: str) -> int:
    try:
        return int(sys_id[:32].ljust(32, "0"), 16) if sys_id else 0
    except ValueError:
        return 0


def _picked(page: Page, wanted: Sequence[int]) -> list[Bytes]:
    """Lines of the rows at these places."""
    if len(wanted) == page.rows:
        return [page.lines]
    return [page.between(number, number + 1) for number in wanted]
