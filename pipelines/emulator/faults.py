"""Scripted faults: one kind for every way an instance answers with something that is not data (servicenow-api.md 2.4)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from pipelines.emulator.messages import Answer, Call, api_acl, failure, html, unauthenticated

#: What each kind sends.
MEANINGS = {
    "queue_overflow": "202 without a body: more than ten requests waited for one session",
    "unauthorized": "401, as for an expired token",
    "forbidden": "403 of the API-level ACL",
    "rate_limited": "429 of a rate-limit rule, with `Retry-After` (`as_date`: as a date) and `X-RateLimit-*`",
    "rate_limited_bare": "429 without any of these headers",
    "semaphore_full": "429 as an HTML page: the semaphore queue is full",
    "server_error": "500 with an error object",
    "bad_gateway": "502 as an HTML page",
    "unavailable": "503 as an HTML page",
    "gateway_timeout": "504 as an HTML page",
    "hibernating": "200 with the HTML page of a hibernating instance",
    "maintenance": "200 with the HTML page of an instance that is being moved",
    "redirect": "302 to a sign-in page elsewhere",
    "truncated": "200 whose JSON ends after `offset` bytes",
    "error_object": "200 with `result` and `error` side by side",
    "error_streamed": "200 cancelled in the middle: the error stands where the next row should be, and it is not JSON",
    "error_trailing_comma": "the same, with an array that ends in a comma",
    "slow": "the right answer after `seconds`",
    "drip": "the right answer, 64 bytes every `seconds`",
    "reset": "the connection is reset after `offset` bytes",
    "duplicate_rows": "every row of the page twice",
    "empty_page": "200 with no rows, the count in the header unchanged",
    "retyped": "numbers in `column` where text was",
    "pretty": "the right answer, indented",
}
KINDS = tuple(MEANINGS)


@dataclass
class Fault:
    """`kind` strikes the `first`-th matching request and the `times - 1` after it; `table` and `path` narrow what matches."""

    kind: str
    table: str = ""
    path: str = ""
    first: int = 1
    times: int = 1
    seconds: float = 1.0  # slow, drip (per chunk) and Retry-After
    offset: int = 200  # bytes let through before a reset or a cut
    as_date: bool = False  # Retry-After as an HTTP date
    column: str = ""  # retyped
    seen: int = 0

    def strikes(self, call: Call) -> bool:
        if (self.table and call.table != self.table) or (self.path and self.path not in call.path):
            return False
        self.seen += 1
        return self.first <= self.seen < self.first + self.times


class Faults:
    """The script. Threads share it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, **options: Any) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; there are {', '.join(KINDS)}")
        with self._lock:
            self._faults.append(Fault(kind, **options))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(f) for f in self._faults]

    def striking(self, call: Call) -> Fault | None:
        """The first fault whose turn it is; every fault counts the requests that match it."""
        with self._lock:
            struck = [fault for fault in self._faults if fault.strikes(call)]
        return struck[0] if struck else None


def instead(fault: Fault, now: datetime) -> Answer | None:
    """The answer that replaces the real one; None where the real one is made first and then spoilt."""
    make = _INSTEAD.get(fault.kind)
    return make(fault, now) if make else None


def spoil(fault: Fault, answer: Answer) -> Answer:
    """The real answer, made into what a client must not take for data."""
    change = _SPOIL.get(fault.kind)
    if change is None or answer.status not in (200, 201):
        return answer
    return Answer(answer.status, change(fault, answer.body), answer.headers, answer.content_type, answer.cookies)


def _rate_limited(fault: Fault, now: datetime) -> Answer:
    after = (
        format_datetime(now + timedelta(seconds=fault.seconds)) + " GMT" if fault.as_date else str(int(fault.seconds))
    )
    headers = {"Retry-After": after.replace("-0000 GMT", "GMT"), "X-RateLimit-Limit": "100", "X-RateLimit-Rule": "f" * 32,
               "X-RateLimit-Reset": str(int((now - datetime(1970, 1, 1)).total_seconds() + fault.seconds))}  # fmt: skip
    return failure(429, "Rate limit exceeded", "Rate limit of 100 requests per hour for Table API exceeded", headers)


_INSTEAD: dict[str, Callable[[Fault, datetime], Answer]] = {
    "queue_overflow": lambda fault, now: Answer(202),
    "unauthorized": lambda fault, now: unauthenticated(),
    "forbidden": lambda fault, now: api_acl(),
    "rate_limited": _rate_limited,
    "rate_limited_bare": lambda fault, now: failure(429, "Rate limit exceeded"),
    "semaphore_full": lambda fault, now: html(429, "Too Many Requests", "Semaphore queue depth limit reached"),
    "server_error": lambda fault, now: failure(500, "Internal error", "java.lang.NullPointerException"),
    "bad_gateway": lambda fault, now: html(502, "Bad Gateway", "The node is restarting."),
    "unavailable": lambda fault, now: html(503, "Service Unavailable", "The instance is being upgraded."),
    "gateway_timeout": lambda fault, now: html(504, "Gateway Time-out", "No answer in time."),
    "hibernating": lambda fault, now: html(200, "Your instance is hibernating", "Sign in to wake it up."),
    "maintenance": lambda fault, now: html(200, "Maintenance", "The instance is being moved."),
    "redirect": lambda fault, now: Answer(302, b"", {"Location": "https://sso.example.com/login"}),
}

_CANCELLED = {
    "message": "Transaction cancelled: maximum execution time exceeded",
    "detail": "maximum execution time exceeded Check logs for error trace or enable glide.rest.debug property to verify REST request processing",
}


def _error_object(fault: Fault, body: bytes) -> bytes:
    found = orjson.loads(body)
    return orjson.dumps({**found, "error": _CANCELLED, "status": "failure"})


def _error_streamed(fault: Fault, body: bytes) -> bytes:
    """Rows so far, then the error where the next row should have been."""
    cut = body[: max(body.find(b"},{"), 0) + 1] or b'{"result":['
    return cut + b',"error":' + orjson.dumps(_CANCELLED) + b',"status":"failure"}'


def _trailing_comma(fault: Fault, body: bytes) -> bytes:
    return body[: max(body.find(b"},{"), 0) + 1] + b',],"error":' + orjson.dumps(_CANCELLED) + b',"status":"failure"}'


def _rows(change: Callable[[Fault, list[Any]], list[Any]]) -> Callable[[Fault, bytes], bytes]:
    def apply(fault: Fault, body: bytes) -> bytes:
        found = orjson.loads(body)
        if isinstance(found.get("result"), list):
            found["result"] = change(fault, found["result"])
        return orjson.dumps(found)

    return apply


_SPOIL: dict[str, Callable[[Fault, bytes], bytes]] = {
    "truncated": lambda fault, body: body[: min(fault.offset, max(0, len(body) - 1))],
    "error_object": _error_object,
    "error_streamed": _error_streamed,
    "error_trailing_comma": _trailing_comma,
    "duplicate_rows": _rows(lambda fault, rows: list(itertools.chain.from_iterable((row, row) for row in rows))),
    "empty_page": _rows(lambda fault, rows: []),
    "retyped": _rows(
        lambda fault, rows: [{**row, fault.column: n} if fault.column in row else row for n, row in enumerate(rows)]
    ),
    "pretty": lambda fault, body: orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2),
}
