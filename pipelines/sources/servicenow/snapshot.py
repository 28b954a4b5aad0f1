"""Read a slowly changing table whole, by keyset on `sys_id`."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.sources.servicenow.keyset import KEY
from pipelines.sources.servicenow.page import text_of
from pipelines.sources.servicenow.query import ordered, term
from pipelines.sources.servicenow.table_api import PageSize, TableApi, TableUnreadable

LAST = (1 << 128) - 1


class SnapshotReader:
    """Pages of one table in the order of `sys_id`; a page that brings nothing new ends it."""

    def __init__(self, api: TableApi, table: str, columns: tuple[str, ...], query: str, size: PageSize) -> None:
        self.api = api
        self.table = table
        self.columns = columns
        self.query = query
        self.size = size
        self.pages = 0
        self.rows = 0
        self.total: int | None = None

    def read(self, sink: Callable[[bytes, int, bool], None]) -> None:
        last, count = "", True
        while True:
            page, limit = self.api.page(self.table, ordered(self._after(last), KEY), self.columns, self.size, count=count)
            self.pages += 1
            if self.total is None:
                self.total = page.total
            newest = text_of(page.last(), KEY) if page.rows else ""
            if page.rows and not newest:
                raise TableUnreadable("unusable", f"{self.table} comes without {KEY}: rows cannot be told apart")
            if page.rows and newest > last:
                if text_of(page.first(), KEY) <= last:
                    raise TableUnreadable("failed", f"{self.table}: rows before {KEY} came back; the account lacks range rights on it")
                sink(page.lines, page.rows, page.has_objects)
                self.rows += page.rows
                last, count = newest, page.rows < limit
                continue
            following = self._beyond_hidden(last, page.total, limit)
            if following is None:
                return
            last, count = following, True

    def _after(self, last: str) -> str:
        return "^".join(t for t in (self.query, term(KEY, ">", last) if last else "") if t)

    def _beyond_hidden(self, last: str, total: int | None, limit: int) -> str | None:
        """The `sys_id` up to which everything was asked for and is hidden by ACLs; None at the end of the table."""
        if total is None:
            total = self.api.count(self.table, self._after(last))
        if total is None or total <= limit:
            return None
        if not self.rows:
            raise TableUnreadable("denied", f"{total:,} rows exist and none is shown: the account has no read access to {self.table}")
        low, high = int(last or "0", 16), LAST
        while high - low > 1:
            middle = (low + high) // 2
            between = "^".join(t for t in (self._after(last), term(KEY, "<=", f"{middle:032x}")) if t)
            if (self.api.count(self.table, between) or 0) <= limit:
                low = middle
            else:
                high = middle
        return f"{low:032x}"
