"""Roles held by users."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, moment, reference, snapshot, text
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_user_has_role", "snapshot"),
    "Roles held by users",
    reference("user", "Holder"),
    reference("role", "Role"),
    reference("granted_by", "Group that grants it"),
    text("inherited", "true where contained in another role"),
    text("state", "active or not"),
    moment("sys_created_on", "When the row was written, UTC"),
    CREATED_BY,
)
