"""Who is calling: Basic, OAuth tokens, lock-out; and the token endpoint."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import orjson

from pipelines.emulator.instance import Instance
from pipelines.emulator.messages import Answer, Call, new_id

SCOPE = "useraccount"
CLIENT_CREDENTIALS = "glide.oauth.inbound.client.credential.grant_type.enabled"  # off where the property is absent


@dataclass
class Grant:
    """Both tokens of one client and user."""

    user: str
    client: str
    access: str
    access_ends: datetime
    refresh: str = ""
    refresh_ends: datetime | None = None
    session: str = ""


class Accounts:
    """Issues and checks credentials. Threads share it."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._grants: list[Grant] = []
        self._failed: dict[str, int] = {}
        self._locked_until: dict[str, datetime] = {}
        self._lock = threading.RLock()

    # -- resource calls

    def authenticate(self, call: Call) -> bool:
        """Fill in `call.user` and `call.session`; False where the credentials are missing or wrong."""
        kind, _, value = call.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            return self._basic(call, value)
        if kind.lower() == "bearer":
            return self._bearer(call, value.strip())
        return False

    def _basic(self, call: Call, encoded: str) -> bool:
        name, password = _pair(encoded)
        user = self.sign_in(name, password, call.client_ip)
        if user is None:
            return False
        call.user = user
        call.session = (
            call.headers.get("cookie", "")
            and hashlib.md5(call.headers["cookie"].encode(), usedforsecurity=False).hexdigest()
        )
        if not call.session:
            call.session = new_id()
            self.note_login(user, call.session, call.client_ip)
        return True

    def _bearer(self, call: Call, token: str) -> bool:
        now = self.instance.clock.now()
        with self._lock:
            found = next((g for g in self._grants if g.access == token and g.access_ends > now), None)
        user = self.instance.user(found.user) if found else None
        if found is None or user is None or not self._may_enter(user):
            return False
        call.user, call.session = user, found.session
        if self.instance.settings.login_per_call and "cookie" not in call.headers:
            call.session = new_id()
            self.note_login(user, call.session, call.client_ip)
        return True

    def sign_in(self, name: str, password: str, client_ip: str) -> dict[str, str] | None:
        """The account where name and password are right and it may enter; a failure is logged and counted."""
        user = self.instance.user(name) if name else None
        right = self.instance.passwords.get(name.lower())
        if user is not None and right is not None and secrets.compare_digest(right, password) and self._may_enter(user):
            self._failed.pop(name.lower(), None)
            return user
        self._note_failure(name, client_ip)
        return None

    def _may_enter(self, user: dict[str, str]) -> bool:
        until = self._locked_until.get(user["user_name"].lower())
        if until is not None and until > self.instance.clock.now():
            return False
        return user.get("active", "true") == "true" and user.get("locked_out", "false") != "true"

    def _note_failure(self, name: str, client_ip: str) -> None:
        settings = self.instance.settings
        self._failed[name.lower()] = self._failed.get(name.lower(), 0) + 1
        if self._failed[name.lower()] >= settings.lock_after:
            self._locked_until[name.lower()] = self.instance.clock.now() + timedelta(minutes=settings.unlock_minutes)
        if settings.logs_itself:
            self.instance.writer.event(
                "login.failed", {"user_name": "guest"}, parm1=name, parm2=client_ip, instance=new_id()
            )

    def note_login(self, user: dict[str, str], session: str, client_ip: str) -> None:
        if self.instance.settings.logs_itself:
            self.instance.writer.event("login", user, parm1=user["user_name"], parm2=client_ip, instance=session)

    # -- the token endpoint

    def token(self, call: Call) -> Answer:
        if not self.instance.is_at_least("fuji"):
            return Answer(404, b"<html><body>Page not found</body></html>", content_type="text/html")
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if call.headers.get("authorization", "").lower().startswith("basic "):
            client, secret = _pair(call.headers["authorization"][6:])
        expected = self.instance.clients.get(client)
        if expected is None or not secrets.compare_digest(expected, secret):
            return _denied("invalid_client")
        grant = form.get("grant_type", "")
        if grant == "password":
            user = self.sign_in(form.get("username", ""), form.get("password", ""), call.client_ip)
            return self._issue(user["user_name"], client, call, refreshable=True) if user else _denied()
        if grant == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""), client, call)
        if grant == "client_credentials" and self._allows_client_credentials():
            return self._issue(self.instance.client_user, client, call, refreshable=False)
        return _denied("unsupported_grant_type", 400)

    def revoke(self, call: Call) -> Answer:
        token = call.query.get("token", "")
        with self._lock:
            for grant in self._grants:
                if grant.access == token:
                    grant.access_ends = self.instance.clock.now()
                if grant.refresh and grant.refresh == token:
                    grant.refresh_ends = self.instance.clock.now()
        return Answer(200, b"")

    def expire(self) -> None:
        """End every access token now, as a test would wait for."""
        with self._lock:
            for grant in self._grants:
                grant.access_ends = self.instance.clock.now()

    def _allows_client_credentials(self) -> bool:
        return self.instance.is_at_least("washingtondc") and (self.instance.property(CLIENT_CREDENTIALS) == "true")

    def _refreshed(self, refresh: str, client: str, call: Call) -> Answer:
        now = self.instance.clock.now()
        with self._lock:
            found = next((g for g in self._grants if g.refresh and g.refresh == refresh and g.client == client), None)
        if found is None or found.refresh_ends is None or found.refresh_ends <= now:
            return _denied("invalid_grant")
        user = self.instance.user(found.user)
        if user is None or not self._may_enter(user):
            return _denied("invalid_grant")
        return self._issue(found.user, client, call, refreshable=True)

    def _issue(self, user: str, client: str, call: Call, *, refreshable: bool) -> Answer:
        """The tokens that are still valid, with what is left of their life; new ones where none is."""
        now = self.instance.clock.now()
        settings = self.instance.settings
        with self._lock:
            grant = next(
                (g for g in self._grants if g.user == user and g.client == client and bool(g.refresh) == refreshable),
                None,
            )
            if grant is None:
                grant = Grant(user, client, "", now)
                self._grants.append(grant)
            if grant.access_ends <= now:
                grant.access, grant.access_ends = (
                    secrets.token_urlsafe(64),
                    now + timedelta(seconds=settings.token_seconds),
                )
                grant.session = new_id()
                account = self.instance.user(user)
                if account is not None:
                    self.note_login(account, grant.session, call.client_ip)
            if refreshable and (grant.refresh_ends is None or grant.refresh_ends <= now):
                grant.refresh, grant.refresh_ends = (
                    secrets.token_urlsafe(64),
                    now + timedelta(seconds=settings.refresh_seconds),
                )
        body = {
            "access_token": grant.access,
            "scope": SCOPE,
            "token_type": "Bearer",
            "expires_in": int((grant.access_ends - now).total_seconds()),
        }
        if refreshable:
            body["refresh_token"] = grant.refresh
        return Answer(200, orjson.dumps(body))


def _denied(error: str = "server_error", status: int = 401) -> Answer:
    return Answer(status, orjson.dumps({"error_description": "access_denied", "error": error}))


def _pair(encoded: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(encoded).decode("utf-8", "replace").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return name, password
