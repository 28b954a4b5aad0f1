"""Users that the identity provider deleted and still keeps for thirty days."""

from __future__ import annotations

from pipelines.contracts.raw._entra import DELETED_AT, directory

TABLE = directory(
    "deleted_user",
    "Deleted users of Microsoft Entra ID",
    "one deleted user that can still be restored, as seen at the end of a run's last day",
    DELETED_AT,
)
