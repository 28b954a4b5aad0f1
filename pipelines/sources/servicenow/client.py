"""A connected instance: its clock, its tables, and a way to read many of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pipelines.contracts.table import Table
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.oauth import Authenticator
from pipelines.sources.servicenow.reading import Extracted, Pool, Progress, ReadRequest
from pipelines.sources.servicenow.table_api import TableApi
from pipelines.sources.servicenow.transport import Transport


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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.transport.close()

    def now(self) -> datetime:
        """The instance's clock, UTC, from its `Date` header."""
        return self.api.now()

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
        spool.mkdir(parents=True, exist_ok=True)
        now = self.now()
        yield from Pool(self.api, self.pace, self.connection.instance, spool, now, progress).run(requests)


def _stands_in(table: Table) -> str:
    return table.source.fallback_for if table.source else ""
