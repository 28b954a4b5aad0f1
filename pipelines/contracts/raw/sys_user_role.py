"""Roles."""

from __future__ import annotations

from pipelines.contracts.raw._fields import UPDATED_ON, content, reference, snapshot, text
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_user_role", "snapshot"),
    "Roles",
    text("name", "Role name"),
    content("description", "What the role is for"),
    text("elevated_privilege", "true where it must be elevated to"),
    reference("assignable_by", "Role that one must hold to grant it"),
    UPDATED_ON,
)
