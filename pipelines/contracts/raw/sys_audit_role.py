"""Roles granted and revoked."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, append_only, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("sys_audit_role", "append", optional=True),
    "Roles granted and revoked",
    reference("user", "Who gained or lost the role"),
    reference("role", "The role"),
    text("operation", "Added or Removed"),
    reference("changed_by", "Who changed it"),
    reference("granted_by_group", "Group through which it came"),
    CREATED_BY,
)
