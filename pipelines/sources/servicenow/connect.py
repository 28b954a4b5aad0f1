"""Exchange user and password for a refresh token once; later runs need no password."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from pipelines.errors import AccessDenied, UsageError
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.oauth import Authenticator, Token
from pipelines.sources.servicenow.transport import Transport
from pipelines.window import utc_now

REFRESH_LIFE = timedelta(seconds=8_640_000)  # ServiceNow's default, 100 days; set per registry record


def connect(connection: Connection, path: Path) -> Token:
    """Ask for a token with the configured grant and write its refresh token to `path`, mode 0600."""
    if connection.auth != "oauth_password":
        raise UsageError(
            f"{connection.auth} has no refresh token to keep",
            remedy="leave the secret in NOWGUARD_CLIENT_SECRET or NOWGUARD_PASSWORD",
        )
    pace = Pace()
    transport = Transport(connection, pace)
    try:
        token = Authenticator(connection, transport).token()
    finally:
        transport.close()
    if token.refresh is None:
        raise AccessDenied(
            "the instance gave no refresh token",
            remedy="allow the refresh token grant in the Application Registry record",
        )
    _write(path, token.refresh, connection.url)
    return token


def _write(path: Path, token: SecretStr, url: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps({"url": url, "refresh_token": token.get_secret_value(), "obtained_at": str(utc_now())})
    temporary = path.with_name(f".{path.name}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def stored_token(path: Path) -> SecretStr | None:
    """The refresh token that `connect` left; None where it never ran."""
    found = _read(path)
    return SecretStr(str(found["refresh_token"])) if found else None


def expires_about(path: Path) -> datetime | None:
    """When the stored refresh token ends if the registry record has ServiceNow's default life."""
    found = _read(path)
    return datetime.fromisoformat(str(found["obtained_at"])) + REFRESH_LIFE if found else None


def _read(path: Path) -> dict[str, object] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) and found.get("refresh_token") else None
    except FileNotFoundError:
        return None
    except (ValueError, OSError):
        raise UsageError(f"{path} is not a token file of ours", remedy="run `nowguard connect` again") from None
