"""Plugins and their state (virtual table)."""

from __future__ import annotations

from pipelines.contracts.raw._fields import snapshot, text
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("v_plugin", "snapshot", optional=True),
    "Plugins and their state (virtual table)",
    text("id", "Plugin id"),
    text("name", "Plugin name"),
    text("active", "active or inactive"),
    text("version", "Version"),
)
