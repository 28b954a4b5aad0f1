"""Exports to devices of one's own, again and again: the third day in a run counts."""

from __future__ import annotations

import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.user_volume import RUN_ENDS
from pipelines.features.volumes import DEVICE_COLLEAGUES, OWN_DEVICE_DAYS, strange_exports
from pipelines.policies.core import Param, Params, Tables
from pipelines.policies.volume import acts, evidence, with_usual

PARAMS = (
    Param("min_days", 3, "Days with such exports, in a run that four days without end", "ours; once is a mistake, twice a coincidence", "days"),
    Param("min_bytes", 100_000, "Size of the day's exports from which they count", "ours; more than a page of a list", "bytes"),
)  # fmt: skip


def exports_to_private_devices(tables: Tables, params: Params) -> ir.Table:
    """Days of exports to private devices that continue a run of such days."""
    a = strange_exports(tables["core__activity"], tables["state__seen"], OWN_DEVICE_DAYS, DEVICE_COLLEAGUES)
    rows = acts(a, bytes=a.bytes.fill_null(0), table=a.resource_type.fill_null(""), device=a.device_key)
    found = rows.group_by("user_uid").agg(
        **evidence(rows),
        export_count=rows.count(),
        total_bytes=rows.bytes.sum(),
        tables=rows.table.collect(distinct=True).sort(),
        trait_value=rows.device.max(),
    )
    found = with_usual(found, tables["state__user_volume"], "strange_exports")
    goes_on = (seconds(found.last_seen) - seconds(found.usual_last_raised) <= RUN_ENDS).fill_null(False)
    told = found.mutate(run_days=(goes_on.ifelse(found.usual_raised_days, 0) + 1).cast("int64"))
    return told.filter(told.run_days >= params.min_days, told.total_bytes >= params.min_bytes)
