"""Group membership."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, moment, reference, snapshot
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_user_grmember", "snapshot"),
    "Group membership",
    reference("user", "Member"),
    reference("group", "Group"),
    moment("sys_created_on", "When the row was written, UTC"),
    CREATED_BY,
)
