"""Event queue and log: logins, attachment reads, impersonation, elevation."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, UPDATED_ON, append_only, content, identifier, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("sysevent", "append", history_days=7),
    "Event queue and log: logins, attachment reads, impersonation, elevation",
    text("name", "Event name, e.g. login or attachment.read"),
    content("parm1", "First parameter; meaning depends on the event"),
    content("parm2", "Second parameter; a client address for logins"),
    text("table", "Table of the record the event was raised for"),
    reference("instance_uid", "Record or session the event was raised for", source="instance"),
    reference("user_id", "User on whose behalf it was queued"),
    identifier("user_name", "User name on whose behalf it was queued"),
    content("uri", "Request that raised it"),
    text("queue", "Queue"),
    text("state", "ready, processed, error or transferred"),
    CREATED_BY,
    UPDATED_ON,
)
