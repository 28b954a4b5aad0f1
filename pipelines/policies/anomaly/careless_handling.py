"""Somebody exports lists to a device of their own, again and again: a case for a talk, not for an investigation.

A device counts as private while the person has hardly used it and hardly anybody in the organisation uses its like. The third
day of such exports in a run raises a coaching alert of low severity; a single one is how people start on a new laptop.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.user_volume import RUN_ENDS
from pipelines.features.volumes import DEVICE_COLLEAGUES, OWN_DEVICE_DAYS, strange_exports
from pipelines.policies.cases import HOSTILE, activity, at, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.volume import acts, evidence, used_to, with_usual


def detect(tables: Tables, params: Params) -> ir.Table:
    """Days of exports to private devices that continue a run of such days."""
    activity_table = tables["core__activity"]
    strange = strange_exports(activity_table, tables["state__seen"], OWN_DEVICE_DAYS, DEVICE_COLLEAGUES)
    a = activity_table.semi_join(strange, "activity_uid")
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
    told = told.filter(told.run_days >= params.min_days, told.total_bytes >= params.min_bytes)
    return told.mutate(
        integration=told.is_integration,
        trait_kind=ibis.literal("device"),
    )


def _export(user: str, when: str, **values: Any) -> Row:
    given: dict[str, Any] = {
        "resource_type": "sn_customerservice_case",
        "bytes": 2_000_000,
        "device_key": "opera/windows/pc",
    }
    return activity(user, when, "exported", **given | values)


def _run(days: int, **values: Any) -> Row:
    """Ann, who has exported to a private device on so many days, the latest yesterday."""
    return used_to(
        "ann",
        "strange_exports",
        0.0,
        **{"raised_days": days, "raised_sum": 3.0 * days, "last_raised": at("-1 19:00")} | values,
    )


POLICY = Policy(
    id="careless_handling",
    kind=Kind.ANOMALY,
    severity="low",
    attack=("T1567", "T1052"),
    title="{actor} exported to a private device on {run_days} days, {export_count} times and {total_bytes:,} bytes today",
    summary=__doc__,
    blind_to="A private device that looks like the organisation's own; downloads of single files; passwords that are shared or not "
    "changed when asked, which leave nothing in these tables; the third day when more than four days lie between two.",
    triage=(
        "Talk to the person: coaching, not an accusation. What were the lists needed for?",
        "Offer a way that works on a managed device.",
        "Ask that the copies be deleted, and check whether they held personal data.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    needs=Evidence(tables=("syslog_transaction",), helpful_tables=("isc_export_event", "sys_user"), columns=("syslog_transaction.user_agent",), learning_days=7),
    params=(
        Param("min_days", 3, "Days with such exports, in a run that four days without end", "ours; once is a mistake, twice a coincidence", "days"),
        Param("min_bytes", 100_000, "Size of the day's exports from which they count", "ours; more than a page of a list", "bytes"),
    ),
    suppressions=(Suppression("integration", "system", "An integration account: whoever runs it is to be talked to, not it"),),
    facts=("run_days", "export_count", "total_bytes", "tables"),
    detect=detect,
    cases=(
        fires("on the third day", _run(2), _export("ann", "18:40"), having={"run_days": 3, "severity": "low", "trait_value": "opera/windows/pc"}),
        quiet("on the second", _run(1), _export("ann", "18:40")),
        quiet("days apart", _run(2, last_raised=at("-5 17:00")), _export("ann", "18:40")),
        quiet("on the person's own device", _run(2), known("ann", "device", "opera/windows/pc", days=5), _export("ann", "18:40")),
        fires("on a device of four days", _run(2), known("ann", "device", "opera/windows/pc", days=4), _export("ann", "18:40")),
        quiet("on a device like those of colleagues", _run(2), known("*", "device", "opera/windows/pc", users=3), _export("ann", "18:40")),
        quiet("of a few lines", _run(2), _export("ann", "18:40", bytes=99_999)),
        held("by a script", "integration", _run(2), _export("ann", "18:40", is_integration=True)),
        quiet("refused", _run(2), _export("ann", "18:40", status="failure")),
        quiet("of nothing"),
        fires("hostile names", _run(2), *(_export("ann", "18:40", nth=n, device_key=name, resource_type=name, src_ip=name)
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
