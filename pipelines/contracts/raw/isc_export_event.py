"""Exports from lists and reports, with rows and bytes; only where the instance runs its security product."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, append_only, identifier, reference, text
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("isc_export_event", "append", optional=True),
    "Exports from lists and reports, with rows and bytes",
    reference("user", "Who exported"),
    identifier("user_name", "Who exported, by user name"),
    text("table", "Exported table"),
    text("records", "Records exported"),
    text("size", "Size of the file, bytes"),
    text("classification", "Data classification of the table"),
    reference("event", "Event that raised it"),
    CREATED_BY,
)
