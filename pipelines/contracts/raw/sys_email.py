"""Sent and received mail, without bodies."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, UPDATED_ON, append_only, content, identifier, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("sys_email", "append", optional=True),
    "Sent and received mail, without bodies",
    text("type", "sent, received, send-ready and others"),
    text("state", "ready, processed, ignored, error"),
    identifier("recipients", "Addresses, comma-separated"),
    identifier("copied", "Copied addresses"),
    identifier("blind_copied", "Blind copied addresses"),
    content("subject", "Subject line"),
    text("target_table", "Table of the record it belongs to"),
    reference("instance_uid", "Record it belongs to", source="instance"),
    identifier("user", "Sender"),
    reference("user_id", "Sender"),
    CREATED_BY,
    UPDATED_ON,
)
