"""Where the instance is, who we are there, and how fast we may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

Auth = Literal["oauth_password", "oauth_client_credentials", "basic"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One instance and the credentials for it. Secrets print as stars."""

    url: str
    instance: str
    auth: Auth = "oauth_password"
    username: str = ""
    password: SecretStr | None = None
    client_id: str = ""
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    ca_bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits of the client. A node of an instance has four API slots by default and queues what is beyond (6)."""

    workers: int = 4
    page_size: int = 10_000
    target_page_seconds: float = 20.0  # the platform cancels a request after 60 s; pages shrink long before
    max_attempts: int = 6  # consecutive failures of one page before its table is given up
    settle: timedelta = field(
        default=timedelta(seconds=120)
    )  # quota of 60 s plus margin: rows become visible at commit
    connect_seconds: float = 10.0
    read_seconds: float = 90.0
    page_deadline_seconds: float = 180.0
    total_wait_seconds: float = 900.0  # spent waiting for one page by order of the instance
    back_off_seconds: float = 0.5  # first wait after a failure; doubles, with jitter
    max_page_bytes: int = 256 << 20  # decoded; a compressed bomb ends here
