"""Field changes and deletions on audited tables."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, append_only, content, identifier, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("sys_audit", "append"),
    "Field changes and deletions on audited tables",
    text("tablename", "Table of the changed record"),
    text("fieldname", "Changed field, or DELETED"),
    reference("documentkey", "sys_id of the changed record"),
    content("oldvalue", "Value before"),
    content("newvalue", "Value after"),
    identifier("user", "User name that changed it"),
    content("reason", "Reason given"),
    CREATED_BY,
)
