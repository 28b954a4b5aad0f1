"""Groups."""

from __future__ import annotations

from pipelines.contracts.raw._fields import UPDATED_ON, reference, snapshot, text
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_user_group", "snapshot"),
    "Groups",
    text("name", "Group name"),
    text("active", "true or false"),
    reference("manager", "Manager"),
    reference("parent", "Parent group"),
    UPDATED_ON,
)
