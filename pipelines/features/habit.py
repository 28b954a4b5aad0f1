"""When people work, on what and with what, carried on by one day."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables
from pipelines.features.day_measures import habits

KEPT_DAYS = 90  # a habit that was not shown for so long is none


def build(tables: Tables, day: date) -> ir.Table:
    """Yesterday's habits and today's; the department is the latest."""
    today = habits(tables["core__activity"]).drop("times").mutate(day_count=ibis.literal(1, "int64"))
    before = tables["state__habit__previous"].select(*today.columns)
    both = before.union(today)
    merged = both.group_by("user_uid", "kind", "value").agg(
        department=both.department.argmax(both.last_seen),
        day_count=both.day_count.sum(),
        last_seen=both.last_seen.max(),
    )
    oldest = ibis.literal(f"{day - timedelta(days=KEPT_DAYS)} 00:00:00").cast("timestamp(6)")
    return merged.filter(merged.last_seen >= oldest)


FEATURE = Feature(table=contract("state__habit"), reads=("core__activity", "state__habit__previous"), build=build)
