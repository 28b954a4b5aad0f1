"""One page of a table, asked for until it is a page: retries, renewed tokens, shared waits, smaller limits."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from pipelines.errors import AccessDenied, SourceUnavailable
from pipelines.sources.servicenow.connection import Pace
from pipelines.sources.servicenow.oauth import Authenticator
from pipelines.sources.servicenow.pace import Pacer, asked_to_wait
from pipelines.sources.servicenow.page import Page, parse
from pipelines.sources.servicenow.query import COLUMN
from pipelines.sources.servicenow.transport import BadPage, Response, Transport
from pipelines.window import utc_now

ASLEEP_TRIES = 3


class TableUnreadable(Exception):
    """The account may not read this table, or the instance has none of that name. The run goes on without it."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state  # denied, missing or failed
        self.reason = reason


@dataclass
class PageSize:
    """Rows to ask for, shared by the workers of a table: halves on a bad or slow page, recovers after good ones."""

    most: int
    target_seconds: float
    now: int = 0

    def __post_init__(self) -> None:
        self.now = self.now or self.most
        self._lock = threading.Lock()
        self._good = 0

    def shrink(self) -> None:
        with self._lock:
            self.now, self._good = max(1, self.now // 2), 0

    def good(self, seconds: float, asked: int) -> None:
        """Grow again after three good pages in a row; shrink in proportion where a page took too long."""
        with self._lock:
            if seconds > self.target_seconds:
                self.now, self._good = max(1, min(self.now, int(asked * self.target_seconds / seconds))), 0
                return
            self._good += 1
            if self._good >= 3 and self.now < self.most and seconds < self.target_seconds / 2:
                self.now, self._good = min(self.most, self.now * 2), 0


class TableApi:
    """The Table and Aggregate API of one instance; threads share it."""

    def __init__(self, transport: Transport, auth: Authenticator, pace: Pace) -> None:
        self.transport = transport
        self.auth = auth
        self.pace = pace
        self.pacer = Pacer(pace)
        self._clock_lock = threading.Lock()
        self._clock: tuple[datetime, float] | None = None

    def page(
        self, table: str, query: str, columns: tuple[str, ...], size: PageSize, *, most: int = 0, count: bool = False
    ) -> tuple[Page, int]:
        """(page, limit it was asked with). Raises `TableUnreadable`; `SourceUnavailable` where the whole instance fails."""
        failures = 0
        waited = 0.0
        while True:
            limit = min(size.now, most) if most else size.now
            self.pacer.wait()
            try:
                answer = self._get(f"/api/now/table/{_safe(table)}", _parameters(query, columns, limit, count=count))
                page = self._judge(answer, table)
            except BadPage as problem:
                failures, waited = self._recover(problem, size, failures, waited, table)
                continue
            size.good(answer.seconds, limit)
            return page, limit

    def count(self, table: str, query: str) -> int | None:
        """Rows by the Aggregate API; None where it gives no number."""
        size = PageSize(1, self.pace.target_page_seconds)
        failures, waited = 0, 0.0
        while True:
            self.pacer.wait()
            try:
                answer = self._get(f"/api/now/stats/{_safe(table)}", {"sysparm_query": query, "sysparm_count": "true"})
                if answer.status == 404:
                    return 0
                self._refuse(answer, table)
                return _counted(answer)
            except BadPage as problem:
                failures, waited = self._recover(problem, size, failures, waited, table)

    def now(self) -> datetime:
        """The instance's clock, carried on by our monotonic clock since it was last heard."""
        if self._clock is None:
            self.page("sys_user", "sys_id=0", ("sys_id",), PageSize(1, 20.0), most=1)
        if self._clock is None:
            return utc_now()
        heard, at = self._clock
        return heard + (datetime.fromtimestamp(time.monotonic()) - datetime.fromtimestamp(at))  # noqa: DTZ006  # a difference

    def _get(self, path: str, query: dict[str, str]) -> Response:
        header = self.auth.header()
        answer = self.transport.send("GET", path, query, headers={"Authorization": header})
        if (date := answer.date) is not None:
            with self._clock_lock:
                self._clock = (date, time.monotonic())
        if answer.status == 401:
            self.auth.refused(header)
            answer = self.transport.send("GET", path, query, headers={"Authorization": self.auth.header()})
            if answer.status == 401:
                raise AccessDenied("the instance refuses a fresh token", remedy="check that the account is active, not locked out, and may use the API")
        self.auth.accepted()
        return answer

    def _judge(self, answer: Response, table: str) -> Page:
        if answer.status == 404:  # version 1 of the API answers so to an empty list
            return Page(b"", 0, 0)
        self._refuse(answer, table)
        return parse(answer)

    def _refuse(self, answer: Response, table: str) -> None:
        """Everything that is not 200: final for the table, or a bad page."""
        status = answer.status
        if status == 200:
            return
        if status == 403:
            raise TableUnreadable("denied", f"HTTP 403: the account has no read access to {table}")
        if status == 400 and b"Invalid table" in answer.body:
            raise TableUnreadable("missing", f"the instance has no table {table}")
        if status == 202:
            raise BadPage("HTTP 202: the session queue was full, nothing was executed")
        if status == 429:
            raise BadPage("HTTP 429: rate limit", wait=asked_to_wait(answer) or 0.0, smaller=asked_to_wait(answer) is None)
        if status in (500, 502, 503, 504):
            raise BadPage(f"HTTP {status}", wait=asked_to_wait(answer), smaller=status in (500, 504))
        raise BadPage(f"HTTP {status}")

    def _recover(self, problem: BadPage, size: PageSize, failures: int, waited: float, table: str) -> tuple[int, float]:
        """Wait as asked, shrink as asked; give up after `max_attempts` failures or the total wait."""
        if problem.smaller:
            size.shrink()
        if problem.wait:
            # the instance names the time: that is no failure, but it has an end
            self.pacer.hold(problem.wait)
            waited += problem.wait
        else:
            failures += 1
            pause = self.pacer.back_off(failures)
            waited += pause
            self.pacer.hold(pause) if "429" in problem.reason else time.sleep(pause)
        if "hibernating" in problem.reason and failures >= ASLEEP_TRIES:
            raise SourceUnavailable("the instance is hibernating", remedy="wake it by signing in to developer.servicenow.com, then run again")
        if failures >= self.pace.max_attempts or waited > self.pace.total_wait_seconds:
            raise TableUnreadable("failed", f"{table}: {problem.reason}, {failures} times in a row")
        return failures, waited


def _parameters(query: str, columns: tuple[str, ...], limit: int, *, count: bool) -> dict[str, str]:
    return {
        "sysparm_query": query,
        "sysparm_fields": ",".join(columns),
        "sysparm_limit": str(limit),
        "sysparm_display_value": "false",
        "sysparm_exclude_reference_link": "true",
        "sysparm_suppress_pagination_header": "true",
        "sysparm_no_count": "false" if count else "true",
    }


def _counted(answer: Response) -> int | None:
    import orjson

    try:
        return int(orjson.loads(answer.body)["result"]["stats"]["count"])
    except (ValueError, KeyError, TypeError):
        if not answer.is_json:
            raise BadPage("the count is not JSON") from None
        return None


def _safe(table: str) -> str:
    if not COLUMN.match(table):
        raise TableUnreadable("missing", f"{table!r} is no table name")
    return table
