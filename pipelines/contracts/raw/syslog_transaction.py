"""One row per request to the instance."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, append_only, content, identifier, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("syslog_transaction", "append", history_days=56),
    "One row per request to the instance",
    content("url", "Path with query, or JOB: and a name"),
    text("type", "list, form, rest, export, scheduler and others"),
    identifier("remote_ip", "Client address"),
    content("user_agent", "Browser or client string"),
    reference("session", "Session id"),
    text("response_time", "Server time of the request, milliseconds"),
    text("output_length", "Bytes returned"),
    text("sql_count", "Number of SQL statements"),
    text("status", "HTTP status, where the release has it"),
    CREATED_BY,
)
