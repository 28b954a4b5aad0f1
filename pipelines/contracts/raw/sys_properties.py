"""System properties."""

from __future__ import annotations

from pipelines.contracts.raw._fields import UPDATED_BY, UPDATED_ON, content, snapshot, text
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_properties", "snapshot"),
    "System properties",
    text("name", "Property name"),
    content("value", "Value; masked or empty where private"),
    text("type", "Type"),
    text("private", "true where the value is not transported"),
    UPDATED_ON,
    UPDATED_BY,
)
