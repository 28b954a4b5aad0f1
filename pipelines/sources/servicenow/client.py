"""A connected instance: its clock, its tables, and a way to read many of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pipelines.contracts.table import Table
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.oauth import Authenticator
from pipelines.sources.servicenow.pool import Pool
from pipelines.sources.servicenow.query import all_of, term
from pipelines.sources.servicenow.reading import Extracted, Progress, ReadRequest
from pipelines.sources.servicenow.spool import explained
from pipelines.sources.servicenow.table_api import PageSize, TableApi, TableUnreadable
from pipelines.sources.servicenow.transport import Transport
from pipelines.window import Window, utc_now

NOTHING = "no row of nowguard has this value"


class ServiceNow:
    """Open for one run. Entering it talks to nobody; the first request asks for a token."""

    def __init__(self, connection: Connection, pace: Pace | None = None) -> None:
        self.connection = connection
        self.pace = pace or Pace()
        self.transport = Transport(connection, self.pace)
        self.auth = Authenticator(connection, self.transport)
        self.api = TableApi(self.transport, self.auth, self.pace)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.close()

    def now(self) -> datetime:
        """The instance's clock, UTC, from its `Date` header. The answer that gave the token has one: no request is spent."""
        if self.transport.now() is None:
            self.auth.header()
        if self.transport.now() is None:
            with suppress(TableUnreadable):
                self.api.page("sys_user", "sys_id=0", ("sys_id",), PageSize(1, self.pace.target_page_seconds))
        return self.transport.now() or utc_now()

    def read_append(self, table: Table, window: Window, spool: Path, progress: Progress) -> Extracted:
        """One log over a closed window."""
        (got,) = self.read_many([ReadRequest(table, window=window)], spool, progress)
        return got

    def read_snapshot(self, table: Table, day: date, spool: Path, progress: Progress) -> Extracted:
        """One table whole, filed under `day`."""
        (got,) = self.read_many([ReadRequest(table, day=day)], spool, progress)
        return got

    def count(self, table: Table, window: Window | None = None) -> int | None:
        """Rows as the Aggregate API counts them, blind to most ACLs; None where it does not say."""
        assert table.source is not None
        terms = [table.source.query]
        if window is not None:
            terms += [term("sys_created_on", ">=", window.start), term("sys_created_on", "<", window.end)]
        return self.api.count(table.source.table, all_of(*terms))

    def ask(self, table: str, query: str, column: str = "") -> tuple[int | None, str, str]:
        """(rows that match, state, reason): a question that needs a number only. No number where the table is denied.

        A filter on a column that the account may not see is dropped in silence: `column` is asked for what nothing matches.
        """
        try:
            if column and self._ignores(table, column):
                return None, "denied", f"{table}.{column} may not be searched: the filter is dropped"
            page, _ = self.api.page(table, query, ("sys_id",), PageSize(1, self.pace.target_page_seconds), count=True)
        except TableUnreadable as problem:
            return None, problem.state, problem.reason
        if not page.rows and page.total:
            return None, "denied", f"rows exist and none is shown: the account has no read access to {table}"
        rows = page.total if page.total is not None else self.api.count(table, query)
        return rows, "ok" if rows is not None else "failed", "" if rows is not None else "the instance gives no count"

    def _ignores(self, table: str, column: str) -> bool:
        page, _ = self.api.page(table, term(column, "=", NOTHING), ("sys_id",), PageSize(1, 20.0), count=True)
        return bool(page.rows or page.total)

    def read_many(self, requests: Sequence[ReadRequest], spool: Path, progress: Progress) -> Iterator[Extracted]:
        """Read every request; stand-ins (`fallback_for`) only where the table they stand in for cannot be read."""
        names = {r.table.source.table for r in requests if r.table.source}
        waiting = [r for r in requests if _stands_in(r.table) in names]
        first = [r for r in requests if r not in waiting]
        unread: set[str] = set()
        for got in self._read(first, spool, progress):
            if got.state != "ok" and got.table.source:
                unread.add(got.table.source.table)
            yield got
        yield from self._read([r for r in waiting if _stands_in(r.table) in unread], spool, progress)

    def _read(self, requests: Sequence[ReadRequest], spool: Path, progress: Progress) -> Iterator[Extracted]:
        if not requests:
            return
        with explained(spool):
            spool.mkdir(parents=True, exist_ok=True)
        now = self.now()
        settled = [self._settled(request, now) for request in requests]
        yield from Pool(self.api, self.pace, self.connection.instance, spool, now, progress).run(settled)

    def _settled(self, request: ReadRequest, now: datetime) -> ReadRequest:
        """Never later than the instance's clock allows: rows become visible at commit, up to two minutes after their time."""
        if request.window is None:
            return request
        return replace(request, window=request.window.clip(now - self.pace.settle))


def _stands_in(table: Table) -> str:
    return table.source.fallback_for if table.source else ""
