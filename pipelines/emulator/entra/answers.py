"""Bodies of Microsoft's answers: OData pages, Graph errors, errors of the token endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from pipelines.emulator.entra.directory import zulu
from pipelines.emulator.faults import Fault
from pipelines.emulator.messages import Answer, html, new_id

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


def ok(body: dict[str, Any]) -> Answer:
    return Answer(200, orjson.dumps(body), {"request-id": new_id()}, JSON)


def refused(status: int, code: str, message: str, now: datetime, headers: dict[str, str] | None = None) -> Answer:
    """`{"error": {"code", "message", "innerError"}}`."""
    number = new_id()
    inner = {"date": zulu(now)[:-1], "request-id": number, "client-request-id": number}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return Answer(status, orjson.dumps(body), {"request-id": number, **(headers or {})}, JSON)


def unauthenticated(now: datetime, message: str = "Access token is empty.") -> Answer:
    return refused(401, "InvalidAuthenticationToken", message, now, {"WWW-Authenticate": 'Bearer realm=""'})


def denied(now: datetime) -> Answer:
    return refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", now)


def throttled(now: datetime, seconds: float, as_date: bool = False) -> Answer:
    after = format_datetime(now + timedelta(seconds=seconds)).replace("-0000", "GMT") if as_date else str(int(seconds))
    return refused(429, "TooManyRequests", "Too many requests.", now, {"Retry-After": after})


def resync(now: datetime) -> Answer:
    message = "The requested delta token is no longer valid. Start a new synchronisation."
    return refused(410, "syncStateNotFound", message, now)


def token_refused(status: int, error: str, number: int, text: str, now: datetime) -> Answer:
    """An error of the token endpoint, with the number that people search for."""
    trace = new_id()
    body = {
        "error": error, "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Timestamp: {now:%Y-%m-%d %H:%M:%SZ}",
        "error_codes": [number], "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}", "trace_id": trace, "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }  # fmt: skip
    return Answer(status, orjson.dumps(body), {"x-ms-request-id": trace}, "application/json; charset=utf-8")


def instead(fault: Fault, now: datetime) -> Answer | None:
    """What answers in place of the service while a scripted fault strikes; None where the real answer is spoilt later."""
    made = _INSTEAD.get(fault.kind)
    return made(fault, now) if made else None


_INSTEAD: dict[str, Callable[[Fault, datetime], Answer]] = {
    "unauthorized": lambda fault, now: unauthenticated(now, "Lifetime validation failed, the token is expired."),
    "forbidden": lambda fault, now: denied(now),
    "rate_limited": lambda fault, now: throttled(now, fault.seconds, fault.as_date),
    "rate_limited_bare": lambda fault, now: refused(429, "TooManyRequests", "Too many requests.", now),
    "server_error": lambda fault, now: refused(500, "InternalServerError", "An internal server error occurred.", now),
    "bad_gateway": lambda fault, now: refused(502, "BadGateway", "Bad gateway.", now),
    "unavailable": lambda fault, now: refused(
        503, "ServiceUnavailable", "The service is unavailable.", now, {"Retry-After": str(int(fault.seconds))}
    ),
    "gateway_timeout": lambda fault, now: refused(504, "GatewayTimeout", "The request timed out.", now),
    "maintenance": lambda fault, now: html(200, "Maintenance", "A page of a proxy in between."),
    "redirect": lambda fault, now: Answer(302, b"", {"Location": "https://login.example.com/"}),
}  # fmt: skip
