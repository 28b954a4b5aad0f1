"""Users of the identity provider."""

from __future__ import annotations

from pipelines.contracts.raw._entra import directory

TABLE = directory(
    "user",
    "Users of Microsoft Entra ID",
    "one user of the directory as seen at the end of a run's last day",
)
