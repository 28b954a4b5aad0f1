"""Which tenant, as which application, and where it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LEAVE_READ = "User-LifeCycleInfo.Read.All"  # without it Graph shows leave dates as empty, and no error


@dataclass(frozen=True, slots=True)
class EntraConnection:
    """One tenant and one application of it. Secrets print as stars.

    `graph_url` includes the version. A private certificate authority is not used for Microsoft's own addresses.
    """

    tenant_id: str
    client_id: str
    client_secret: SecretStr
    authority: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com/v1.0"
    ca_bundle: Path | None = None

    @property
    def token_path(self) -> str:
        """Below `authority`: nothing is discovered."""
        return f"/{quote(self.tenant_id, safe='')}/oauth2/v2.0/token"

    @property
    def scope(self) -> str:
        """All permissions that were consented to; named after the host of Graph, which differs in sovereign clouds."""
        parts = urlsplit(self.graph_url)
        return f"https://{'graph.microsoft.com' if parts.hostname in LOOPBACK else parts.netloc}/.default"


def missing_settings(values: Mapping[str, object]) -> str:
    """Which of the three settings is not there, while another is; "" where all or none are."""
    absent = [name for name, value in values.items() if not value]
    return ", ".join(f"NOWGUARD_{name.upper()}" for name in absent) if 0 < len(absent) < len(values) else ""
