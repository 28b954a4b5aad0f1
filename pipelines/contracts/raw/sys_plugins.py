"""Plugins and their state, where v_plugin cannot be read."""

from __future__ import annotations

from pipelines.contracts.raw._fields import snapshot, text
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_plugins", "snapshot", fallback_for="v_plugin", optional=True),
    "Plugins and their state, where v_plugin cannot be read",
    text("source", "Plugin id"),
    text("name", "Plugin name"),
    text("active", "true or false"),
    text("version", "Version"),
)
