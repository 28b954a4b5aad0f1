"""One HTTP request, as it was: no cookies, no redirects, a cap on bytes and on time.

A shared session cookie would make the instance run our requests one at a time (servicenow-api.md 1.3); urllib3's pools
keep none. A redirect would carry the token to another host.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import urllib3

from pipelines.errors import SourceUnavailable
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.inflate import Damaged, Inflate

CHUNK = 1 << 16  # compressed bytes asked for at a time
USER_AGENT = "nowguard/1 (batch collector)"


ASLEEP = "the instance is hibernating"


class BadPage(Exception):
    """An answer that is not data: retried, never stored. `reason` is for people; `smaller` asks for smaller pages.

    `wait`: seconds the instance asked for; `for_all`: every worker pauses, not only the one that was told.
    """

    def __init__(self, reason: str, *, smaller: bool = False, wait: float | None = None, for_all: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.smaller = smaller
        self.wait = wait
        self.for_all = for_all


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytearray  # writable: a page is cut in place
    seconds: float

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("Content-Type", "").lower()

    @property
    def is_asleep(self) -> bool:
        """The page of a hibernating developer instance, whatever its status."""
        return not self.is_json and b"hibernat" in self.body[:20_000].lower()

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
        self._lock = threading.Lock()
        self._clock: tuple[datetime, float] | None = None
        self._last_answer: float | None = None
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
        started = time.monotonic()
        with self._lock:
            self.requests += 1
        try:
            answer = self._pool.urlopen(method, url, body=body, headers=sent, redirect=False, preload_content=False)
            self._hear(answer.status)
            content = self._read(answer, started)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._explained(error) from None
        response = Response(answer.status, answer.headers, content, time.monotonic() - started)
        if 300 <= response.status < 400:
            raise SourceUnavailable(
                f"{self.base} redirects API calls (HTTP {response.status})",
                remedy="give the instance's own address; single sign-on pages cannot be followed",
            )
        self._set_clock(response)
        return response

    def _read(self, answer: urllib3.BaseHTTPResponse, started: float) -> bytearray:
        """The decoded body within the caps on size and time; a slow drip ends at the deadline."""
        whole = bytearray()
        ends = started + self.pace.page_deadline_seconds
        try:
            pieces = Inflate(answer.headers.get("Content-Encoding", ""))
            while chunk := answer.read1(CHUNK, decode_content=False):
                for piece in pieces.of(chunk):
                    whole += piece
                    if len(whole) > self.pace.max_page_bytes:
                        raise BadPage(f"a page of more than {self.pace.max_page_bytes >> 20} MiB", smaller=True)
                left = ends - time.monotonic()
                if left <= 0:
                    raise BadPage(f"a page took more than {self.pace.page_deadline_seconds:g} s", smaller=True)
                _limit_wait(answer, min(left, self.pace.read_seconds))
            pieces.end()
        except Damaged as problem:
            answer.close()
            raise BadPage(str(problem), smaller=True) from None
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return whole

    def _hear(self, status: int) -> None:
        """Remember that the instance answers with more than server errors."""
        if status < 500:
            with self._lock:
                self._last_answer = time.monotonic()

    def _set_clock(self, answer: Response) -> None:
        date = answer.date
        if date is not None:
            with self._lock:
                self._clock = (date, time.monotonic())

    def now(self) -> datetime | None:
        """The instance's clock, carried on by our monotonic clock since it was last heard; None before any answer."""
        with self._lock:
            if self._clock is None:
                return None
            date, heard = self._clock
        return date + timedelta(seconds=int(time.monotonic() - heard))

    def answered_since(self, moment: float) -> bool:
        """Whether any request got an answer after `moment` (monotonic seconds)."""
        with self._lock:
            return self._last_answer is not None and self._last_answer >= moment

    def _explained(self, error: Exception) -> Exception:
        reason = getattr(error, "reason", None) or error
        unknown = isinstance(error, urllib3.exceptions.LocationValueError | urllib3.exceptions.NameResolutionError)
        if unknown and self._last_answer is None:
            return SourceUnavailable(f"{self.base} cannot be found", remedy="check NOWGUARD_INSTANCE_URL")
        if isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return SourceUnavailable(
                f"{self.base} shows a certificate that is not trusted ({_certificate_problem(error)})",
                remedy="set NOWGUARD_CA_BUNDLE to the private authority's PEM file; verification is never switched off",
            )
        timed_out = isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError)
        return BadPage(f"the connection failed ({_short(reason)})", smaller=timed_out)

    def close(self) -> None:
        self._pool.clear()


def _limit_wait(answer: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """The next wait for bytes may last this long."""
    wire = getattr(getattr(answer, "connection", None), "sock", None)
    if wire is not None:
        wire.settimeout(max(0.1, seconds))


def _certificate_problem(error: BaseException) -> str:
    """What the TLS library says of the certificate, e.g. `self-signed certificate`."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message or "verification failed"
        inner = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        seen = inner or seen.__cause__ or seen.__context__
    return "verification failed"


def _short(reason: object) -> str:
    """The kind of a failure without addresses of objects and without the URL, which may hold a query."""
    text = str(reason)
    return type(reason).__name__ if "0x" in text or "http" in text.lower() or len(text) > 120 else text
