"""One page of a table, asked for until it is a page: retries, renewed tokens, shared waits, smaller limits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from pipelines.errors import AccessDenied, SourceUnavailable
from pipelines.sources.servicenow.connection import Pace
from pipelines.sources.servicenow.oauth import WAKE, Authenticator
from pipelines.sources.servicenow.pace import Pacer, asked_to_wait
from pipelines.sources.servicenow.page import Page, no_rows, parse
from pipelines.sources.servicenow.query import COLUMN
from pipelines.sources.servicenow.transport import ASLEEP, BadPage, Response, Transport

log = logging.getLogger("nowguard.source")

ASLEEP_TRIES = 3
KEY = "sys_id"


class TableUnreadable(Exception):
    """The account may not read this table, or the instance has none of that name. The run goes on without it."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state  # denied, missing, failed, or unusable where rows have no key
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


@dataclass
class _Patience:
    """What one page has cost so far."""

    since: float
    failures: int = 0
    waited: float = 0.0


class TableApi:
    """The Table and Aggregate API of one instance; threads share it."""

    def __init__(self, transport: Transport, auth: Authenticator, pace: Pace) -> None:
        self.transport = transport
        self.auth = auth
        self.pace = pace
        self.pacer = Pacer(pace)

    def page(
        self, table: str, query: str, columns: tuple[str, ...], size: PageSize, *, key: str = KEY, most: int = 0,
        count: bool = False, offset: int = 0, check: Callable[[Page], None] | None = None,
    ) -> tuple[Page, int]:  # fmt: skip
        """(page, limit it was asked with). `key` is the column whose values the page carries; `check` may refuse a page.

        Raises `TableUnreadable`, or `SourceUnavailable` where the whole instance fails.
        """
        patience = _Patience(time.monotonic())
        while True:
            limit = min(size.now, most) if most else size.now
            self.pacer.wait()
            try:
                answer = self._get(f"/api/now/table/{_safe(table)}", _parameters(query, columns, limit, count, offset))
                page = self._judge(answer, table, key)
                if check is not None:
                    check(page)
            except BadPage as problem:
                self._recover(problem, size, patience, table)
                continue
            size.good(answer.seconds, limit)
            return page, limit

    def count(self, table: str, query: str) -> int | None:
        """Rows by the Aggregate API; None where it gives no number."""
        size = PageSize(1, self.pace.target_page_seconds)
        patience = _Patience(time.monotonic())
        while True:
            self.pacer.wait()
            try:
                answer = self._get(f"/api/now/stats/{_safe(table)}", {"sysparm_query": query, "sysparm_count": "true"})
                if answer.status in (400, 403, 404):
                    return None
                self._refuse(answer, table)
                return _counted(answer)
            except BadPage as problem:
                self._recover(problem, size, patience, table)

    def drops_ranges(self, table: str, column: str, beyond: str) -> bool:
        """Whether a filter that nothing can match returns rows: the account lacks range rights (query ACL) on `column`."""
        page, _ = self.page(table, f"{column}>{beyond}", (KEY,), PageSize(1, self.pace.target_page_seconds))
        return page.rows > 0

    def _get(self, path: str, query: dict[str, str]) -> Response:
        header = self.auth.header()
        answer = self.transport.send("GET", path, query, headers={"Authorization": header})
        if answer.status == 401:
            self.auth.refused(header)
            answer = self.transport.send("GET", path, query, headers={"Authorization": self.auth.header()})
            if answer.status == 401:
                raise AccessDenied(
                    "the instance refuses fresh credentials with HTTP 401",
                    remedy="check that the account is active, not locked out, and may use the API",
                )
        self.auth.accepted()
        return answer

    def _judge(self, answer: Response, table: str, key: str) -> Page:
        if answer.status == 404 and b"No Record" in answer.body:  # version 1 of the API answers so to an empty list
            return no_rows(0)
        self._refuse(answer, table)
        return parse(answer, key)

    def _refuse(self, answer: Response, table: str) -> None:
        """Everything that is not 200: final for the table, or a bad page."""
        status = answer.status
        if status == 200:
            return
        if status == 403 and answer.is_json:
            raise TableUnreadable("denied", f"HTTP 403: the account has no read access to {table}")
        if status in (400, 404) and b"Invalid table" in answer.body:
            raise TableUnreadable("missing", f"the instance has no table {table}")
        if status == 202:
            raise BadPage("HTTP 202: the session queue was full, nothing was executed")
        if answer.is_asleep:
            raise BadPage(ASLEEP)
        asked = asked_to_wait(answer)
        if status == 429:
            raise BadPage("HTTP 429: too many requests", wait=asked, smaller=asked is None, for_all=True)
        if status in (500, 502, 503, 504):
            raise BadPage(f"HTTP {status}", wait=asked, smaller=status in (500, 504))
        if status == 404 and not answer.is_json:
            raise BadPage("HTTP 404 without JSON: this address is no ServiceNow API")
        raise BadPage(f"HTTP {status}")

    def _recover(self, problem: BadPage, size: PageSize, patience: _Patience, table: str) -> None:
        """Wait as asked, shrink as asked; give up after `max_attempts` failures or the total wait."""
        if problem.smaller:
            size.shrink()
        if problem.wait is None:
            patience.failures += 1
            pause = self.pacer.back_off(patience.failures)
        else:
            pause = max(1.0, problem.wait)  # the instance names the time: that is no failure, but it has an end
        patience.waited += pause
        log.info("%s: %s; attempt %d, %d rows a page", table, problem.reason, patience.failures, size.now)
        if problem.reason == ASLEEP and patience.failures >= ASLEEP_TRIES:
            raise SourceUnavailable(ASLEEP, remedy=WAKE)
        if patience.failures >= self.pace.max_attempts or patience.waited > self.pace.total_wait_seconds:
            self._surrender(problem, patience, table)
        if problem.wait is not None or problem.for_all:
            self.pacer.hold(pause)
        else:
            time.sleep(pause)

    def _surrender(self, problem: BadPage, patience: _Patience, table: str) -> None:
        """Give up the table; where nobody got an answer meanwhile, the run."""
        if not self.transport.answered_since(patience.since):
            raise SourceUnavailable(
                f"{self.transport.base} does not answer: {problem.reason}",
                remedy="check the address and the network, then run again",
            )
        tries = (
            f"{patience.failures} times in a row" if problem.wait is None else f"and asks to wait {problem.wait:.0f} s"
        )
        raise TableUnreadable("failed", f"{table}: {problem.reason}, {tries}")


def _parameters(query: str, columns: tuple[str, ...], limit: int, count: bool, offset: int) -> dict[str, str]:
    return {
        "sysparm_query": query,
        "sysparm_fields": ",".join(columns),
        "sysparm_limit": str(limit),
        "sysparm_display_value": "false",
        "sysparm_exclude_reference_link": "true",
        "sysparm_suppress_pagination_header": "true",
        "sysparm_no_count": "false" if count else "true",
        **({"sysparm_offset": str(offset)} if offset else {}),
    }


def _counted(answer: Response) -> int | None:
    if not answer.is_json:
        raise BadPage("the count is not JSON")
    try:
        return int(orjson.loads(answer.body)["result"]["stats"]["count"])
    except orjson.JSONDecodeError:
        raise BadPage("the count is broken JSON") from None
    except (ValueError, KeyError, TypeError):
        return None


def _safe(table: str) -> str:
    if not COLUMN.fullmatch(table):
        raise TableUnreadable("missing", f"{table!r} is no table name")
    return table
