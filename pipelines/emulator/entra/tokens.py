"""Tokens by client credentials: signed by nobody, but shaped as Entra ID's, with the granted roles inside."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Collection
from urllib.parse import parse_qs

import orjson

from pipelines.emulator.clock import Clock
from pipelines.emulator.entra.answers import ok, token_refused
from pipelines.emulator.messages import Answer, Call

LIFE = 3599  # seconds


class Tokens:
    """One application of one tenant. `roles` are the application permissions that an administrator consented to."""

    def __init__(
        self, clock: Clock, tenant_id: str, client_id: str, client_secret: str, roles: Collection[str]
    ) -> None:
        self.clock = clock
        self.tenant_id, self.client_id, self.client_secret = tenant_id, client_id, client_secret
        self.roles = set(roles)
        self._live: dict[str, int] = {}  # token -> second it ends at

    def answer(self, call: Call, tenant: str) -> Answer:
        """`POST {authority}/{tenant}/oauth2/v2.0/token`."""
        now = self.clock.now()
        given = {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        if tenant != self.tenant_id:
            return token_refused(400, "invalid_request", 90002, f"Tenant '{tenant[:60]}' not found.", now)
        if given.get("grant_type") != "client_credentials":
            return token_refused(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.", now
            )
        if given.get("client_id") != self.client_id:
            return token_refused(400, "unauthorized_client", 700016, "Application was not found in the directory.", now)
        if not hmac.compare_digest(given.get("client_secret", ""), self.client_secret):
            return token_refused(401, "invalid_client", 7000215, "Invalid client secret provided.", now)
        if not given.get("scope", "").endswith("/.default"):
            return token_refused(400, "invalid_scope", 1002012, "The provided value for scope is not valid.", now)
        return ok({"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": self._issue()})

    def _issue(self) -> str:
        ends = self.clock.epoch() + LIFE
        claims = {"tid": self.tenant_id, "appid": self.client_id, "roles": sorted(self.roles), "exp": ends}
        token = ".".join((_part({"typ": "JWT", "alg": "none"}), _part(claims), secrets.token_urlsafe(24)))
        self._live[token] = ends
        return token

    def accepts(self, call: Call) -> bool:
        """Whether the call bears a token that has not ended by the virtual clock."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and self._live.get(token, 0) > self.clock.epoch()

    def expire(self) -> None:
        """All tokens end now."""
        self._live.clear()


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()
