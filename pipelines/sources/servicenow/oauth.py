"""The Authorization header: got once, renewed before it expires, and never asked for more than twice with a bad secret."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass

from pydantic import SecretStr

from pipelines.errors import AccessDenied, SourceUnavailable, UsageError
from pipelines.sources.servicenow.connection import Connection
from pipelines.sources.servicenow.pace import asked_to_wait
from pipelines.sources.servicenow.transport import ASLEEP, BadPage, Transport

RENEW_AT = 0.8  # of the token's life: a long download must not outlive its token
MAX_REFUSALS = 2  # five wrong passwords lock an account
MAX_TRIES = 6
LONGEST_WAIT = 300.0  # seconds that the token endpoint may ask us to wait at a time
WAKE = "wake it by signing in to developer.servicenow.com, then run again"


@dataclass(frozen=True, slots=True)
class Token:
    """What the token endpoint gave; lives in seconds from when it was given, by our monotonic clock."""

    access: SecretStr
    refresh: SecretStr | None
    expires_in: int
    issued: float

    @property
    def is_due(self) -> bool:
        return time.monotonic() > self.issued + self.expires_in * RENEW_AT


class Authenticator:
    """Shared by all workers. Each grant is tried once: no more than two requests with a bad secret, ever."""

    def __init__(self, connection: Connection, transport: Transport) -> None:
        self._connection = connection
        self._transport = transport
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._refusals = 0  # of user and password, in a row
        self._refresh = connection.refresh_token
        self._final: AccessDenied | None = None

    def header(self) -> str:
        """`Basic …` or `Bearer …`. Raises `AccessDenied` where the instance refuses us."""
        with self._lock:
            if self._final is not None:
                raise self._final
            if self._connection.auth == "basic":
                return self._basic()
            if self._token is None or self._token.is_due:
                self._token = self._obtain()
            return f"Bearer {self._token.access.get_secret_value()}"

    def refused(self, header: str) -> None:
        """The instance answered 401 to `header`: a token is renewed once, a password is tried once more."""
        with self._lock:
            if self._connection.auth == "basic":
                self._refusals += 1
                if self._refusals >= MAX_REFUSALS:
                    raise self._give_up("the instance refuses user and password")
            elif self._token is not None and header == f"Bearer {self._token.access.get_secret_value()}":
                self._token = None

    def accepted(self) -> None:
        """Anything but 401 came back: the credentials are good."""
        self._refusals = 0

    def token(self) -> Token:
        """The current token, for `connect` and `check`."""
        self.header()
        assert self._token is not None
        return self._token

    def _basic(self) -> str:
        if self._connection.password is None:
            raise UsageError("basic authentication needs a password", remedy="set NOWGUARD_PASSWORD")
        pair = f"{self._connection.username}:{self._connection.password.get_secret_value()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _obtain(self) -> Token:
        """By refresh token where there is one, else by the configured grant."""
        has_other = self._connection.password is not None or self._connection.auth == "oauth_client_credentials"
        if self._refresh is not None:
            try:
                return self._ask({"grant_type": "refresh_token", "refresh_token": self._refresh.get_secret_value()})
            except AccessDenied:
                self._refresh = None
                if not has_other:
                    self._final = AccessDenied(
                        "the refresh token is refused: it expired, was revoked, or belongs to another client",
                        remedy="run `nowguard connect` again (a refresh token lives 100 days by default)",
                    )
                    raise self._final from None
        try:
            return self._ask(self._grant())
        except AccessDenied as denied:
            self._final = denied
            raise

    def _grant(self) -> dict[str, str]:
        if self._connection.auth == "oauth_client_credentials":
            return {"grant_type": "client_credentials"}
        if self._connection.password is None:
            raise UsageError("there is neither a refresh token nor a password", remedy="run `nowguard connect` once")
        password = self._connection.password.get_secret_value()
        return {"grant_type": "password", "username": self._connection.username, "password": password}

    def _ask(self, grant: dict[str, str]) -> Token:
        """One answer of the token endpoint. What is no answer is retried; a refusal is not."""
        secret = self._connection.client_secret.get_secret_value() if self._connection.client_secret else ""
        form = {**grant, "client_id": self._connection.client_id, "client_secret": secret}
        last, pause = "", 0.0
        for attempt in range(MAX_TRIES):
            time.sleep(pause)
            pause = min(8.0, self._transport.pace.back_off_seconds * 2**attempt)
            try:
                answer = self._transport.send("POST", "/oauth_token.do", form=form)
            except BadPage as problem:
                last = problem.reason
                continue
            if answer.status == 200 and answer.is_json:
                return self._parsed(answer.body)
            if answer.status in (400, 401, 403) and answer.is_json:
                raise self._denied(f"the token endpoint refuses the credentials ({_said(answer.body)})")
            last = f"HTTP {answer.status}" + ("" if answer.is_json else ", not JSON")
            pause = min(asked_to_wait(answer) or pause, LONGEST_WAIT)
            if answer.is_asleep:
                last = ASLEEP
                if attempt:
                    break
            if answer.status == 404:
                break
        raise SourceUnavailable(
            f"the token endpoint gives no token ({last})",
            remedy=WAKE
            if last == ASLEEP
            else "check the address and that the OAuth plugin is active; else try again later",
        )

    def _parsed(self, body: bytes | bytearray) -> Token:
        try:
            found = json.loads(body)
            access, life = str(found["access_token"]), int(found.get("expires_in", 1800))
        except (ValueError, KeyError, TypeError):
            raise SourceUnavailable(
                "the token endpoint answered without a token", remedy="check that the OAuth plugin is active"
            ) from None
        if found.get("refresh_token"):
            self._refresh = SecretStr(str(found["refresh_token"]))
        return Token(SecretStr(access), self._refresh, life, time.monotonic())

    def _give_up(self, why: str) -> AccessDenied:
        self._final = self._denied(why)
        return self._final

    def _denied(self, why: str) -> AccessDenied:
        return AccessDenied(
            f"{why} (user {self._connection.username or '-'}, client {self._connection.client_id or '-'})",
            remedy="check user, password, client id and secret; tried no more than twice, so that the account is not locked",
        )


def _said(body: bytes | bytearray) -> str:
    """`error_description` or `error` of a failure body; the strings vary by release and are only for people."""
    try:
        found = json.loads(body)
        said = found.get("error_description") or found.get("error")
    except (ValueError, AttributeError):
        return "no reason given"
    return "".join(c for c in said[:80] if c.isprintable()) if isinstance(said, str) else "no reason given"
