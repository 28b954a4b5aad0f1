"""Deleted records."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, append_only, content, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("sys_audit_delete", "append", optional=True),
    "Deleted records",
    text("tablename", "Table of the deleted record"),
    reference("documentkey", "sys_id of the deleted record"),
    content("display_value", "Display value it had"),
    CREATED_BY,
)
