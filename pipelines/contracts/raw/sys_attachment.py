"""Attachment metadata, one row per file."""

from __future__ import annotations

from pipelines.contracts.raw._fields import (
    CREATED_BY,
    MOD_COUNT,
    UPDATED_BY,
    UPDATED_ON,
    append_only,
    content,
    reference,
    text,
)
from pipelines.contracts.table import Source

TABLE = append_only(
    Source("sys_attachment", "append"),
    "Attachment metadata, one row per file",
    content("file_name", "Name of the file"),
    text("content_type", "Content type as declared at upload"),
    text("size_bytes", "Size, bytes"),
    text("size_compressed", "Stored size, bytes"),
    text("table_name", "Table of the parent record"),
    reference("table_sys_id", "Parent record"),
    text("hash", "SHA-256 of the content; empty where the field is encrypted"),
    text("state", "available, pending and others"),
    CREATED_BY,
    UPDATED_ON,
    UPDATED_BY,
    MOD_COUNT,
)
