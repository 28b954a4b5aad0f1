"""Requests to Graph: a token when one is needed, pages by their links, retries with patience, nothing that is not data.

Links that Graph gives are followed only below its own address: a token is shown to nobody else.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from pipelines.errors import AccessDenied, SourceUnavailable
from pipelines.sources.entra.connection import EntraConnection
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.pace import Pacer, asked_to_wait
from pipelines.sources.servicenow.transport import BadPage, Response, Transport

log = logging.getLogger("nowguard.source")

RENEW_AT = 0.8  # of a token's life
MOST_PAGES = 100_000
LONGEST_WAIT = 300.0  # seconds that one answer may ask us to wait
WHERE = "check NOWGUARD_ENTRA_AUTHORITY and NOWGUARD_GRAPH_URL, and that this machine may reach them"


class ResyncNeeded(Exception):
    """The delta link is too old, or this Graph has no delta: read everything."""


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[dict[str, Any]]
    next_link: str
    delta_link: str


class Graph:
    """Open for one run. Entering it talks to nobody; the first request asks for a token."""

    def __init__(self, connection: EntraConnection, pace: Pace | None = None) -> None:
        self.connection = connection
        self.pace = pace or Pace()
        self._pacer = Pacer(self.pace)
        self._base = connection.graph_url.rstrip("/")
        self._graph = self._transport(self._base)
        self._authority = self._transport(connection.authority.rstrip("/"))
        self._token: SecretStr | None = None
        self._due = 0.0
        self._waited = 0.0
        self.roles: frozenset[str] | None = None  # what the token says was consented to; None: it does not say

    def _transport(self, url: str) -> Transport:
        return Transport(Connection(url=url, instance="", ca_bundle=self.connection.ca_bundle), self.pace)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._graph.close()
        self._authority.close()

    def pages(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Page]:
        """Every page of a collection, or of the changes behind a delta link (then `path` is the link)."""
        target, given = (self._below(path), None) if "://" in path else (path, query)
        seen: set[str] = set()
        while True:
            page = self._page(target, given)
            yield page
            if not page.next_link:
                return
            target, given = self._below(page.next_link), None
            if target in seen or len(seen) > MOST_PAGES:
                raise SourceUnavailable("Graph's pages lead in a circle", remedy="run again; report it if it stays")
            seen.add(target)

    def authenticate(self) -> None:
        """Get a token if there is none that lasts."""
        if self._token is None or time.monotonic() > self._due:
            self._token = self._obtain()

    def _below(self, link: str) -> str:
        """The part of a link after Graph's own address."""
        if not link.startswith(f"{self._base}/"):
            raise SourceUnavailable(
                "Graph points to another address for its next page",
                remedy="set NOWGUARD_GRAPH_URL to the address it uses",
            )
        return link[len(self._base) :]

    def _page(self, target: str, query: Mapping[str, str] | None) -> Page:
        """One page; what is no data is asked for again. Raises `AccessDenied`, `ResyncNeeded`, `SourceUnavailable`."""
        refusals, last = 0, ""
        for attempt in range(self.pace.max_attempts):
            self._pacer.wait()
            self.authenticate()
            assert self._token is not None
            headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
            try:
                answer = self._sent(self._graph, "GET", target, query=query, headers=headers)
                if answer.status == 200:
                    return _parsed(answer)
            except BadPage as problem:
                last = problem.reason
                self._back_off(attempt, None)
                continue
            last = f"HTTP {answer.status} {_code(answer)}".rstrip()
            if answer.status == 401:
                self._token = None
                refusals += 1
                if refusals > 1:
                    raise AccessDenied(
                        f"Graph refuses the token ({_code(answer)})", remedy="check tenant and application"
                    )
                continue
            _judge(answer)
            self._back_off(attempt, asked_to_wait(answer))
        raise SourceUnavailable(f"Graph keeps answering with no data ({last})", remedy="run again later")

    def _back_off(self, attempt: int, asked: float | None) -> None:
        """As long as Graph asks, within bounds of one wait and of all."""
        pause = min(LONGEST_WAIT, self._pacer.back_off(attempt) if asked is None else asked)
        self._waited += pause
        if self._waited > self.pace.total_wait_seconds:
            raise SourceUnavailable("Graph asks to wait for too long", remedy="run again later")
        self._pacer.hold(pause)

    def _obtain(self) -> SecretStr:
        """By client credentials. A refusal is final: asking again changes nothing."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.connection.client_id,
            "client_secret": self.connection.client_secret.get_secret_value(),
            "scope": self.connection.scope,
        }
        last = ""
        for attempt in range(self.pace.max_attempts):
            self._pacer.wait()
            try:
                answer = self._sent(self._authority, "POST", self.connection.token_path, form=form)
                if answer.status == 200:
                    return self._accepted(answer)
            except BadPage as problem:
                last = problem.reason
                self._back_off(attempt, None)
                continue
            if answer.status in (400, 401, 403) and answer.is_json:
                raise AccessDenied(
                    f"Entra ID gives no token ({_said(answer)})", remedy="check NOWGUARD_ENTRA_TENANT_ID, _CLIENT_ID and _CLIENT_SECRET"
                )  # fmt: skip
            last = f"HTTP {answer.status}"
            if answer.status == 404:
                break
            self._back_off(attempt, asked_to_wait(answer))
        raise SourceUnavailable(f"Entra ID's token endpoint gives no token ({last})", remedy=WHERE)

    def _accepted(self, answer: Response) -> SecretStr:
        try:
            found = json.loads(answer.body)
            token, life = str(found["access_token"]), int(found.get("expires_in", 3599))
        except (ValueError, KeyError, TypeError):
            raise BadPage("the token endpoint answered without a token") from None
        self._due = time.monotonic() + life * RENEW_AT
        self.roles = roles_in(token)
        return SecretStr(token)

    def _sent(self, transport: Transport, method: str, path: str, **options: Any) -> Response:
        """The transport speaks of the instance: here it is Microsoft that cannot be reached."""
        try:
            return transport.send(method, path, **options)
        except SourceUnavailable as error:
            raise SourceUnavailable(f"Entra ID: {error.cause}", remedy=WHERE) from None


def roles_in(token: str) -> frozenset[str] | None:
    """The application permissions inside an access token; None where it is not readable. Not a check of the token."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return frozenset(str(role) for role in claims.get("roles", ()))
    except (IndexError, ValueError, AttributeError, TypeError):
        return None


def _parsed(answer: Response) -> Page:
    """A 200 counts only if it is a list of objects, each with its id."""
    if not answer.is_json:
        raise BadPage("HTTP 200 without JSON")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise BadPage("the JSON is broken or cut off", smaller=True) from None
    rows = found.get("value") if isinstance(found, dict) and "error" not in found else None
    if not isinstance(rows, list) or not all(
        isinstance(r, dict) and isinstance(r.get("id"), str) and r["id"] for r in rows
    ):
        raise BadPage("the answer has no list of objects with ids")
    return Page(rows, str(found.get("@odata.nextLink") or ""), str(found.get("@odata.deltaLink") or ""))


def _judge(answer: Response) -> None:
    """Raise what asking again would not change."""
    code = _code(answer)
    if answer.status == 403:
        raise AccessDenied(
            f"Graph denies it ({code or 'HTTP 403'})",
            remedy="grant the application User.Read.All and consent as administrator",
        )
    if answer.status == 410:
        raise ResyncNeeded(code)
    if answer.status in (400, 404, 405, 501):
        raise NotOffered(f"Graph does not offer it (HTTP {answer.status} {code})".replace(" )", ")"), remedy=WHERE)


class NotOffered(SourceUnavailable):
    """Graph has no such collection or parameter."""


def _code(answer: Response) -> str:
    """Graph's error code: our own text never repeats its message, which may name people."""
    try:
        code = str(json.loads(answer.body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
    return "".join(c for c in code[:60] if c.isalnum() or c in "_.-")


def _said(answer: Response) -> str:
    """`error` and the AADSTS number of a refusal, without the text: it repeats ids and traces."""
    try:
        found = json.loads(answer.body)
        numbers = [f"AADSTS{int(number)}" for number in found.get("error_codes", ())][:3]
        error = "".join(c for c in str(found.get("error", ""))[:60] if c.isalnum() or c == "_")
    except (ValueError, TypeError, AttributeError):
        return f"HTTP {answer.status}"
    return " ".join([error, *numbers]) or f"HTTP {answer.status}"
