"""A recommendation that the instance met is no longer met: a setting turned, a rule was opened, a plugin switched off.

The nightly posture snapshot says what turned (`mart.posture_changes`); a night that could not see hides no turn. Where the
instance recorded who changed what the recommendation rests on, since the night before, the last to do so is named with the
rows that show it, and everything that person undid is one alert. Otherwise each recommendation has its own. What an owner
answers for, by an exception in force, is seen and not raised.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.policies.cases import DAY, HOSTILE, INSTANCE, activity, fires, held, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables

SETTINGS = "sys_properties"
NIGHT = ibis.interval(hours=24) - ibis.interval(seconds=1)


def detect(tables: Tables, params: Params) -> ir.Table:
    """One row per person who undid something, and one per recommendation that nobody is seen to have undone."""
    turned = tables["out__posture_change"]
    turned = turned.filter(turned.is_drift)
    rows = _attributed(turned, _changes(tables["core__activity"]))
    found = rows.group_by("subject", "event_date", "accepted").agg(
        actor_user_uid=rows.by_uid.max(),
        actor_user_name=rows.by_name.max(),
        first_seen=rows.time.fill_null(rows.night).min(),
        last_seen=ibis.ifelse(rows.time.cast("date") == rows.event_date, rows.time, rows.night).fill_null(rows.night).max(),
        evidence_count=rows.activity_uid.nunique(),
        evidence=rows.activity_uid.collect(distinct=True).sort(),
        src_ips=rows.src_ip.collect(distinct=True).sort(),
        countries=rows.country.collect(distinct=True).sort(),
        control_count=rows.control_id.nunique(),
        controls=rows.control_id.collect(distinct=True).sort(),
        asked=rows.title.collect(distinct=True).sort(),
        observed=rows.observed.collect(distinct=True).sort(),
        worst=rows.severity_score.max(),
    )  # fmt: skip
    is_undone = found.subject.startswith("by:")
    return found.mutate(
        form=ibis.cases((~is_undone, "unseen"), (found.control_count > 1, "several"), else_="undone"),
        severity=ibis.cases((found.worst >= params.high_from, "high"), (found.worst < params.medium_from, "low"), else_="medium"),
        trait_kind=ibis.ifelse(is_undone, ibis.null("string"), "control"),
        trait_value=ibis.ifelse(is_undone, ibis.null("string"), found.controls[0]),
    )  # fmt: skip


def _changes(a: ir.Table) -> ir.Table:
    """Changes of configuration by what they changed: a setting by its name, anything else by its table."""
    rows = a.filter(a.activity_name == "configuration_changed", a.status.fill_null("unknown") != "failure")
    what = ibis.ifelse(
        rows.resource_type == SETTINGS, rows.resource_type + "/" + rows.resource_name, rows.resource_type
    )
    who = "by:" + ibis.coalesce(rows.actor_user_uid, rows.actor_user_name.lower())
    return rows.select(
        "activity_uid", "time", "src_ip", "country", what=what, by=who, by_uid=rows.actor_user_uid, by_name=rows.actor_user_name
    )  # fmt: skip


def _attributed(turned: ir.Table, changes: ir.Table) -> ir.Table:
    """What turned, beside the last change of what it rests on since the night before; changes are null where none is known."""
    parts = turned.select("control_id", "event_date", part=turned.rests_on.unnest())
    beside = parts.inner_join(changes, parts.part == changes.what)
    since = beside.event_date.cast("timestamp(6)") - ibis.interval(hours=24)
    beside = beside.filter(beside.time >= since, beside.time <= since + ibis.interval(hours=48))
    order = ibis.window(group_by=["control_id", "event_date"], order_by=[ibis.desc("time"), ibis.desc("activity_uid")])
    last = beside.mutate(nth=ibis.row_number().over(order)).filter(ibis._.nth == 0)
    kept = ("activity_uid", "time", "src_ip", "country", "by", "by_uid", "by_name")
    last = last.select("control_id", *kept, on=last.event_date)
    same = [turned.control_id == last.control_id, turned.event_date == last["on"]]
    rows = turned.left_join(last, same).select(*turned.columns, *(last[name] for name in kept))
    return rows.mutate(
        subject=ibis.coalesce(rows.by, "control:" + rows.control_id),
        night=rows.event_date.cast("timestamp(6)") + NIGHT,
        accepted=rows.is_excepted.fill_null(False),
    )


def _turned(control: str, setting: str, **values: Any) -> Row:
    """A recommendation about a setting that turned on the day of the case."""
    row: dict[str, Any] = {
        "instance": INSTANCE,
        "event_date": DAY,
        "control_id": control,
        "from_state": "compliant",
        "to_state": "not_compliant",
        "observed": f"{setting} = false",
        "observed_before": f"{setting} = true",
        "previous_date": DAY - timedelta(days=1),
        "held_since": DAY - timedelta(days=30),
        "severity_score": 7.5,
        "title": f"{control} is on",
        "rests_on": [f"{SETTINGS}/{setting}"],
        "is_excepted": False,
        "is_drift": True,
    }
    return Row("out__posture_change", row | values)


def _set(user: str, when: str, name: str, **values: Any) -> Row:
    given: dict[str, Any] = {"resource_type": SETTINGS, "resource_uid": f"id-{name[:20]}", "resource_name": name}
    return activity(user, when, "configuration_changed", **given | {"detail": "value"} | values)


LOG = _turned("impersonation_log", "glide.sys.log_impersonation")
BASIC = _turned("basic_auth", "glide.basicauth.required.soap", severity_score=5.0)
RULES: dict[str, Any] = {"rests_on": ["sys_security_acl", "sys_security_acl_role"]}

POLICY = Policy(
    id="posture_drift",
    kind=Kind.ACTIVITY,
    severity="medium",
    attack=("T1562",),
    title="No longer so: {asked} ({observed})",
    titles={
        "undone": "{actor} undid what was recommended: {asked} ({observed})",
        "several": "{actor} undid {control_count} recommendations: {controls}",
    },
    summary=__doc__,
    blind_to="Whatever was never met or never known; who changed what is not audited; a change between the end of the day and the "
    "snapshot, which is told without the person; a change and its reversal between two snapshots; an exception that runs out.",
    triage=(
        "Is there a change request for it, and does the person named in it know of it?",
        "Restore it: `nowguard posture show` says the steps.",
        "Look at what was done while it was off: logging that is switched off hides what comes next.",
        "If it is to stay, somebody answers for it: `nowguard posture except`.",
    ),
    reads=("core__activity", "out__posture_change"),
    lookback=timedelta(days=1),
    needs=Evidence(tables=("sys_properties",), helpful_tables=("sys_audit", "sys_user")),
    params=(
        Param("high_from", 7.0, "Severity of a recommendation from which its turn is high", "the bands of CVSS 3.1", "0-10"),
        Param("medium_from", 4.0, "Severity below which its turn is low", "the bands of CVSS 3.1", "0-10"),
    ),
    suppressions=(Suppression("accepted", "system", "An exception with owner and reason is in force"),),
    facts=("form", "control_count", "controls", "asked", "observed"),
    detect=detect,
    cases=(
        fires("a setting that nobody is seen to change", LOG, having={"form": "unseen", "severity": "high", "trait_value": "impersonation_log"}),
        fires("one that ann changed", LOG, _set("ann", "22:31", "glide.sys.log_impersonation"),
              having={"form": "undone", "actor_user_name": "ann", "evidence_count": 1}),
        fires("two by one person", LOG, BASIC, _set("ann", "22:31", "glide.sys.log_impersonation"), _set("ann", "22:33", "glide.basicauth.required.soap"),
              having={"form": "several", "control_count": 2, "severity": "high"}),
        fires("two by two", LOG, BASIC, _set("ann", "22:31", "glide.sys.log_impersonation"), _set("bob", "22:33", "glide.basicauth.required.soap"), alerts=2),
        fires("two by nobody", LOG, BASIC, alerts=2),
        fires("the last hand counts", LOG, _set("ann", "09:00", "glide.sys.log_impersonation"), _set("bob", "17:00", "glide.sys.log_impersonation"),
              having={"actor_user_name": "bob", "evidence_count": 1}),
        fires("the evening before, after that night's snapshot", LOG, _set("ann", "-1 23:50", "glide.sys.log_impersonation"),
              having={"form": "undone", "actor_user_name": "ann"}),
        fires("another setting was changed", LOG, _set("ann", "22:31", "glide.ui.colour"), having={"form": "unseen"}),
        fires("an access rule", _turned("closed_table", "", **RULES),
              activity("ann", "11:00", "configuration_changed", resource_type="sys_security_acl", resource_uid="acl1"), having={"actor_user_name": "ann"}),
        fires("of a severity that is not stated", _turned("other", "x", severity_score=None), having={"severity": "medium"}),
        fires("one of little weight", _turned("other", "x", severity_score=2.0), having={"severity": "low"}),
        fires("an unknown account", LOG, _set("ann", "22:31", "glide.sys.log_impersonation", actor_user_uid=None), having={"form": "undone"}),
        quiet("what was never compliant", _turned("other", "x", is_drift=False), _set("ann", "22:31", "x")),
        quiet("what turned the day before", _turned("other", "x", event_date=DAY - timedelta(days=1))),
        quiet("a changed setting that is still as recommended", _set("ann", "22:31", "glide.sys.log_impersonation")),
        held("what an owner answers for", "accepted", _turned("other", "x", is_excepted=True), _set("ann", "22:31", "x")),
        quiet("of nothing"),
        fires("hostile names", *(_turned(f"c{n}{name}", name, observed=name, title=name) for n, name in enumerate(HOSTILE)),
              *(_set("x", "09:00", name, nth=n, actor_user_name=name, src_ip=name) for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
