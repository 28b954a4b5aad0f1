"""One HTTP request, as it was: no cookies, no redirects, a cap on bytes and on time.

A shared session cookie would make the instance run our requests one at a time (servicenow-api.md 1.3); urllib3's pools
keep none. A redirect would carry the token to another host.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import urllib3

from pipelines.errors import SourceUnavailable
from pipelines.sources.servicenow.connection import Connection, Pace

CHUNK = 1 << 20
USER_AGENT = "nowguard/1 (batch collector)"


class BadPage(Exception):
    """An answer that is not data: retried, never stored. `reason` is for people; `smaller` asks for smaller pages."""

    def __init__(self, reason: str, *, smaller: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.smaller = smaller
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("Content-Type", "").lower()

    @property
    def date(self) -> datetime | None:
        """The instance's clock when it answered, UTC."""
        try:
            return parsedate_to_datetime(self.headers["Date"]).astimezone(UTC).replace(tzinfo=None)
        except (KeyError, ValueError, TypeError):
            return None


class Transport:
    """A pool of kept-alive connections to one instance; threads share it."""

    def __init__(self, connection: Connection, pace: Pace) -> None:
        self.base = connection.url.rstrip("/")
        self.pace = pace
        self.requests = 0
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=pace.workers + 1,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=pace.connect_seconds, read=pace.read_seconds),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"},
            **({"ca_certs": str(connection.ca_bundle)} if connection.ca_bundle else {}),
        )

    def send(
        self, method: str, path: str, query: Mapping[str, str] | None = None, *,
        headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
    ) -> Response:  # fmt: skip
        """Raises `BadPage` where nothing usable came, `SourceUnavailable` where nothing ever will."""
        url = f"{self.base}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {**self._pool.headers, **(headers or {})}
        body = None
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        self.requests += 1
        started = time.monotonic()
        try:
            answer = self._pool.urlopen(method, url, body=body, headers=sent, redirect=False, preload_content=False)
            content = self._read(answer, started)
        except urllib3.exceptions.HTTPError as error:
            raise self._explained(error) from None
        response = Response(answer.status, answer.headers, content, time.monotonic() - started)
        if 300 <= response.status < 400:
            raise SourceUnavailable(
                f"{self.base} redirects API calls (HTTP {response.status})", remedy="give the instance's own address; single sign-on pages cannot be followed"
            )
        return response

    def _read(self, answer: urllib3.BaseHTTPResponse, started: float) -> bytes:
        """The decoded body within the caps on size and time."""
        chunks, size = [], 0
        try:
            for chunk in answer.stream(CHUNK, decode_content=True):
                size += len(chunk)
                chunks.append(chunk)
                if size > self.pace.max_page_bytes:
                    answer.close()
                    raise BadPage(f"a page of more than {self.pace.max_page_bytes >> 20} MiB", smaller=True)
                if time.monotonic() - started > self.pace.page_deadline_seconds:
                    answer.close()
                    raise BadPage(f"a page took more than {self.pace.page_deadline_seconds:.0f} s", smaller=True)
        finally:
            answer.release_conn()
        return b"".join(chunks)

    def _explained(self, error: urllib3.exceptions.HTTPError) -> Exception:
        reason = getattr(error, "reason", error)
        if isinstance(error, urllib3.exceptions.LocationValueError | urllib3.exceptions.NameResolutionError):
            return SourceUnavailable(f"{self.base} cannot be found", remedy="check NOWGUARD_INSTANCE_URL")
        if isinstance(error, urllib3.exceptions.SSLError):
            return SourceUnavailable(
                f"{self.base} shows a certificate that is not trusted ({_short(reason)})",
                remedy="set NOWGUARD_CA_BUNDLE to the private authority's PEM file; verification is never switched off",
            )
        timed_out = isinstance(error, urllib3.exceptions.TimeoutError)
        return BadPage(f"the connection failed ({_short(reason)})", smaller=timed_out)

    def close(self) -> None:
        self._pool.clear()


def _short(reason: object) -> str:
    """The kind of a failure without addresses of objects and without the URL, which may hold a query."""
    text = str(reason)
    return type(reason).__name__ if "0x" in text or "http" in text.lower() or len(text) > 120 else text
