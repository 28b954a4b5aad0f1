"""Somebody acts whose account has ended.

An account has ended when it is deleted or disabled at the identity provider, when the person's leave date has passed, or when
it is switched off, or locked by somebody else, in the instance. What happens after that and after a grace is a session that was
never closed, a token that still works, a local password that nobody took away, or an account that somebody switched on again.

Times are proofs. Deletion, leave date and audit rows have a time of their own; that an account is disabled is seen once a
night, so it counts from the first sight of it. What carries no client address (jobs, mail, business rules that run under a
leaver's name) proves nothing alone; nor does a page that polls in the background. Changes that others make to the account
are theirs. Who came back is not reported: the identity provider has them again, or the instance has, by the same hand that
had switched them off.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.departure import moves
from pipelines.policies.cases import (
    DAY,
    HOSTILE,
    account,
    activity,
    ended,
    failure,
    fires,
    held,
    identity,
    known,
    login,
    quiet,
)
from pipelines.policies.cases import at as instant
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import excuse_of

FORMS = ("deleted", "disabled", "switched_off", "left", "switched_on_again", "locked")  # the first that holds is told
DIRECTORY = (*FORMS[:2], "left")
SURE = (0.95, 0.9, 0.9, 0.6, 0.6, 0.6)
NEVER = 1 << 40  # seconds


def detect(tables: Tables, params: Params) -> ir.Table:
    """Activities inside the spans in which their actor's account had ended, one row per person and explanation."""
    changes = _changes(tables)
    directory = _directory(tables["state__departure"], tables["core__identity"])
    spans = ibis.union(
        _switched(changes, params), _ended_in_directory(directory, params), _switched_on_again(tables, changes, directory, params)
    )  # fmt: skip
    rows = _acts(tables["core__activity"]).inner_join(spans, "user_uid")
    rows = rows.filter(rows.seconds >= rows.begins, rows.seconds < rows.until)
    nth = ibis.row_number().over(ibis.window(group_by="activity_uid", order_by=["rank", "ended", "begins"]))
    rows = rows.mutate(nth=nth).filter(ibis._.nth == 0)
    rows = _explained(rows, _regular_returns(tables["state__departure"], changes), tables["state__seen"], params)
    found = _summed(rows)
    return found.filter(found.activity_count >= params.min_activities)


def _acts(acts: ir.Table) -> ir.Table:
    """What people did and what did not fail. Firm is what shows a client: its address, or a login."""
    done = acts.filter(acts.actor_user_uid.notnull(), ~acts.is_system, acts.status.fill_null("unknown") != "failure")
    has_client = done.src_ip.notnull() & done.ip_source.isin(["event", "transaction", "session"]).fill_null(False)
    is_firm = (has_client & ~done.activity_name.isin(["other", "email_received"])) | (done.activity_name == "login")
    return done.select(
        "activity_uid", "actor_user_name", "time", "src_ip", "country", "device_key", "activity_name",
        user_uid=done.actor_user_uid, seconds=seconds(done.time), is_firm=is_firm,
        is_machine=~done.is_interactive.fill_null(True), is_integration=done.is_integration.fill_null(False),
    )  # fmt: skip


def _changes(tables: Tables) -> ir.Table:
    """When each account went off or on, yesterday's end first; each with the change before and the one after it."""
    state, users = tables["state__departure"], tables["core__user"]
    today = moves(tables["core__activity"]).select(
        "user_uid", "channel", "is_off", "time", "by", "by_machine", "activity_uid"
    )
    told = today.filter(today.channel == "switch").select("user_uid").union(state.select("user_uid"), distinct=True)
    seen = users.filter(~users.is_active.fill_null(True), users.updated_at.notnull()).anti_join(told, "user_uid")
    no_one = ibis.null("string")
    both = ibis.union(
        _opening(state.filter(state.off_since.notnull()), "switch", ibis._.off_since, ibis._.off_by),
        _opening(state.filter(state.locked_since.notnull()), "lock", ibis._.locked_since, no_one),
        _opening(seen, "switch", ibis._.updated_at, no_one),
        today,
    )
    both = both.mutate(seconds=seconds(both.time))
    order = ibis.window(group_by=["user_uid", "channel"], order_by=["seconds", "activity_uid"])
    both = both.mutate(was_off=both.is_off.lag().over(order))
    both = both.filter((both.is_off != both.was_off).fill_null(True))
    return both.mutate(
        until=both.seconds.lead().over(order).fill_null(NEVER), off_time=both.time.lag().over(order), off_by=both.by.lag().over(order)
    )  # fmt: skip


def _opening(rows: ir.Table, channel: str, time: ir.Deferred, by: Any) -> ir.Table:
    return rows.select(
        "user_uid", channel=ibis.literal(channel), is_off=ibis.literal(True), time=time, by=by, by_machine=ibis.literal(False),
        activity_uid=ibis.literal(""),
    )  # fmt: skip


def _directory(state: ir.Table, today: ir.Table) -> ir.Table:
    """What the identity provider says of each account: today's snapshot, else what is remembered."""
    today = today.filter(today.match_state == "matched").select(
        "user_uid", "is_enabled", "is_deleted", "leave_at", gone_at=ibis._.deleted_at, is_known=ibis.literal(True)
    )
    before = state.select("user_uid", "disabled_since", "left_at", old_deleted_at=ibis._.deleted_at)
    keys = today.select("user_uid").union(before.select("user_uid"), distinct=True)
    joined = keys.left_join(today, "user_uid").select("user_uid", *(today[c] for c in today.columns if c != "user_uid"))
    rows = joined.left_join(before, "user_uid").select(
        *joined.columns, *(before[c] for c in before.columns if c != "user_uid")
    )
    is_known, is_deleted = rows.is_known.fill_null(False), rows.is_deleted.fill_null(False)
    is_on, nothing = rows.is_enabled.fill_null(False) & ~is_deleted, ibis.null("timestamp(6)")
    return rows.select(
        "user_uid",
        is_on=is_on,
        deleted_at=ibis.cases(
            (is_deleted, ibis.coalesce(rows.gone_at, rows.old_deleted_at)),
            (is_known, nothing),
            else_=rows.old_deleted_at,
        ),
        disabled_at=ibis.ifelse(is_on, nothing, rows.disabled_since),
        left_at=ibis.ifelse(is_known, rows.leave_at, rows.left_at),
    )


def _span(rows: ir.Table, form: str, ended_at: ir.Value, begins: ir.Value, until: Any = NEVER) -> ir.Table:
    return rows.select(
        "user_uid", rank=ibis.literal(FORMS.index(form), "int64"), ended_at=ended_at, ended=seconds(ended_at), begins=begins,
        until=ibis.literal(until, "int64") if isinstance(until, int) else until,
    )  # fmt: skip


def _switched(changes: ir.Table, params: Params) -> ir.Table:
    off = changes.filter(changes.is_off)
    parts = []
    for channel, form in (("switch", "switched_off"), ("lock", "locked")):
        own = off.filter(off.channel == channel)
        parts.append(_span(own, form, own.time, own.seconds + params.grace_seconds, own.until))
    return ibis.union(*parts)


def _ended_in_directory(directory: ir.Table, params: Params) -> ir.Table:
    parts = []
    for form, column in (("deleted", "deleted_at"), ("disabled", "disabled_at"), ("left", "left_at")):
        own = directory.filter(directory[column].notnull())
        parts.append(_span(own, form, own[column], seconds(own[column]) + params.grace_seconds))
    return ibis.union(*parts)


def _switched_on_again(tables: Tables, changes: ir.Table, directory: ir.Table, params: Params) -> ir.Table:
    """Back by another hand than the one that had switched it off, after so long, and not known to be good elsewhere."""
    state = tables["state__departure"]
    before = state.filter(
        state.on_since.notnull(), state.was_off_since.notnull(), ~state.is_regular_return.fill_null(True)
    )
    before = before.select("user_uid", off_time=before.was_off_since, on=seconds(before.on_since))
    today = _returns(changes)
    today = today.filter(~today.is_regular).select("user_uid", "off_time", on=today.seconds)
    back = before.union(today)
    back = back.filter(back.on - seconds(back.off_time) >= params.min_off_seconds)
    back = back.anti_join(directory.filter(directory.is_on).select("user_uid"), "user_uid")
    return _span(back, "switched_on_again", back.off_time, back.on, back.on + params.watch_seconds)


def _returns(changes: ir.Table) -> ir.Table:
    back = changes.filter(changes.channel == "switch", ~changes.is_off, changes.was_off.fill_null(False))
    return back.select(
        "user_uid",
        "off_time",
        "seconds",
        is_regular=back.by_machine.fill_null(False) | (back.by == back.off_by).fill_null(False),
    )


def _regular_returns(state: ir.Table, changes: ir.Table) -> ir.Table:
    """Per person the last time that the account came back as rehires do."""
    before = state.filter(state.on_since.notnull(), state.is_regular_return.fill_null(False))
    today = _returns(changes)
    both = before.select("user_uid", on=seconds(before.on_since)).union(
        today.filter(today.is_regular).select("user_uid", on=today.seconds)
    )
    return both.group_by("user_uid").agg(returned=both.on.max())


def _explained(rows: ir.Table, returns: ir.Table, seen: ir.Table, params: Params) -> ir.Table:
    """Each innocent explanation as a column."""
    joined = rows.left_join(returns, "user_uid")
    rows = joined.select(*rows.columns, returned=returns.returned)
    is_directory = rows["rank"].isin([FORMS.index(form) for form in DIRECTORY])
    rows = rows.mutate(
        rehired=(is_directory & (rows.returned > rows.ended) & (rows.seconds >= rows.returned)).fill_null(False)
    )
    for kind, column in (("ip", "src_ip"), ("device", "device_key")):
        own = seen.filter(seen.kind == kind, seen.day_count >= params.usual_days)
        own = own.select(**{"user_uid": own.user_uid, column: own.value, f"{kind}_since": seconds(own.first_seen)})
        joined = rows.left_join(own, ["user_uid", column])
        since = own[f"{kind}_since"]
        rows = joined.select(
            *rows.columns, **{f"is_usual_{kind}": (since <= rows.ended - params.usual_days * 86400).fill_null(False)}
        )
    is_client = rows.is_usual_ip & (rows.is_usual_device | rows.device_key.isnull())
    rows = rows.mutate(integration_account=rows.is_integration, machine_as_before=rows.is_machine & is_client)
    return rows.mutate(thread=rows.user_uid + "|" + excuse_of(rows, SUPPRESSIONS))


SUPPRESSIONS = (
    Suppression("rehired", "system", "The account was switched on again by whoever had switched it off, or by an integration: the identity provider lags"),
    Suppression("integration_account", "system", "An integration account: its owner's leaving is a matter of hygiene, not of an intruder"),
    Suppression("machine_as_before", "user", "API calls from the address and client that made them before the account ended: a job outside that nobody stopped"),
)  # fmt: skip


def _summed(rows: ir.Table) -> ir.Table:
    best = rows["rank"].min().over(ibis.window(group_by="thread"))
    rows = rows.mutate(best=best)
    is_best = rows["rank"] == rows.best
    found = rows.group_by("thread").agg(
        actor_user_uid=rows.user_uid.max(),
        actor_user_name=rows.actor_user_name.max(),
        first_seen=rows.time.min(where=rows.is_firm),
        last_seen=rows.time.max(where=rows.is_firm),
        evidence_count=rows.count(),
        evidence=rows.activity_uid.collect().sort(),
        src_ips=rows.src_ip.collect(distinct=True).sort(),
        countries=rows.country.collect(distinct=True).sort(),
        activity_count=rows.is_firm.cast("int64").sum(),
        trait_value=rows.src_ip.max(),
        best=rows.best.max(),
        ended_at=rows.ended_at.min(where=is_best),
        ended=rows.ended.min(where=is_best),
        first=rows.seconds.min(where=rows.is_firm),
        has_login=(rows.activity_name == "login").any(),
        is_machine=rows.is_machine.all(where=rows.is_firm),
        **{s.name: rows[s.name].all() for s in SUPPRESSIONS},
    )
    told = [(found.best == number, form) for number, form in enumerate(FORMS)]
    weak = found.best.isin([FORMS.index(form) for form in ("left", "switched_on_again", "locked")])
    return found.mutate(
        form=ibis.cases(*told, else_="deleted"),
        way=ibis.cases((found.has_login, "a new login"), (found.is_machine.fill_null(False), "a token"), else_="an open session"),
        ended_on=found.ended_at.strftime("%Y-%m-%d %H:%M"),
        minutes_after=((found["first"] - found.ended) / 60).floor().cast("int64"),
        trait_kind=ibis.ifelse(found.trait_value.notnull(), "ip", ibis.null("string")),
        confidence=ibis.cases(*((found.best == number, sure) for number, sure in enumerate(SURE)), else_=0.5),
        severity=ibis.ifelse(weak, "medium", "high"),
    )  # fmt: skip


OFF: dict[str, Any] = {
    "actor_user_name": "svc.hr",
    "actor_user_uid": "uid-svc",
    "is_integration": True,
    "resource_type": "sys_user",
}


def _moved(user: str, when: str, name: str, **values: Any) -> Row:
    """Somebody switches the account of `user`."""
    return activity(
        "svc", when, name, nth=7, **{**OFF, "resource_uid": f"uid-{user}", "src_ip": None, "ip_source": None, **values}
    )


HAND: dict[str, Any] = {"actor_user_name": "root", "actor_user_uid": "uid-root", "is_integration": False}
API: dict[str, Any] = {"is_interactive": False, "agent_kind": "api", "device_key": "curl"}

POLICY = Policy(
    id="terminated_user_activity",
    kind=Kind.ANOMALY,
    severity="high",
    attack=("T1078",),
    title="{actor} acted by {way} {minutes_after:,} minutes after the account had ended ({ended_on})",
    titles={
        "deleted": "{actor} acted by {way} {minutes_after:,} minutes after being deleted at the identity provider ({ended_on})",
        "disabled": "{actor} acted by {way} while disabled at the identity provider (seen so at {ended_on})",
        "switched_off": "{actor} acted by {way} {minutes_after:,} minutes after the account was switched off ({ended_on})",
        "left": "{actor} acted by {way} {minutes_after:,} minutes after the leave date ({ended_on})",
        "switched_on_again": "{actor} acted by {way} on an account that had been off since {ended_on} and that somebody else switched on again",
        "locked": "{actor} acted by {way} {minutes_after:,} minutes after somebody locked the account ({ended_on})",
    },
    summary=__doc__,
    blind_to="The hours between the disabling at the identity provider and the night that sees it, where the instance does not follow; "
    "accounts whose names agree with no user there, or with several; what a leaver does from a colleague's account.",
    triage=(
        "Ask the manager and HR whether and when the person left, and whether somebody is to come back.",
        "End the open sessions and set the account to locked out: switching it off does not end a session.",
        "Revoke the OAuth tokens of the account and look for a local password or a second factor set lately.",
        "Read what was done since: exports, downloads, records opened; and who switched the account on, if somebody did.",
    ),
    reads=("core__activity", "core__user", "core__identity", "state__departure", "state__seen"),
    needs=Evidence(
        tables=("sys_user",), any_of=(("sysevent", "syslog_transaction"),), helpful_tables=("sys_audit",), data=("identity",)
    ),
    params=(
        Param("grace_seconds", 3600, "How long after its end an account may still act", "ours; a session idles out after 30 minutes", "s"),
        Param("min_activities", 1, "Activities with a client from which it fires", "Defender, activity by terminated user", "activities"),
        Param("min_off_seconds", 86_400, "How long an account must have been off for its return to count", "ours; shorter is a mistake put right", "s"),
        Param("watch_seconds", 604_800, "How long the returned account is watched", "ours", "s"),
        Param("usual_days", 3, "Days of use before the end that make a machine's address and client its usual ones", "ours", "days"),
    ),
    suppressions=SUPPRESSIONS,
    facts=("form", "way", "ended_on", "minutes_after", "activity_count"),
    detect=detect,
    cases=(
        fires("a session goes on", _moved("ann", "14:00", "user_disabled"), activity("ann", "15:00:00", "page_viewed", ip_source="transaction"),
              activity("ann", "17:00", "file_downloaded", ip_source="last_login"),
              having={"form": "switched_off", "way": "an open session", "minutes_after": 60, "activity_count": 1, "evidence_count": 2,
                      "severity": "high", "ended_on": f"{DAY} 14:00"}),
        quiet("within the grace", _moved("ann", "14:00", "user_disabled"), activity("ann", "14:59:59", "page_viewed", ip_source="transaction")),
        fires("a grace of a minute", _moved("ann", "14:00", "user_disabled"), activity("ann", "14:01", "page_viewed", ip_source="transaction"),
              params={"grace_seconds": 60}),
        quiet("before the end", activity("ann", "13:00", "page_viewed", ip_source="transaction"), _moved("ann", "14:00", "user_disabled")),
        fires("a token, the day after", ended("ann", off_since="-1 16:00", off_by="svc.hr"), activity("ann", "11:00", "api_request", ip_source="transaction", **API),
              having={"way": "a token", "minutes_after": 1140}),
        fires("off since long, seen in the account only", account("ann", is_active=False, updated_at=instant("-40 08:00")),
              login("ann", "09:00"), having={"way": "a new login"}),
        fires("by the side door", identity("ann", is_enabled=None, is_deleted=True, deleted_at=instant("-2 15:00")), login("ann", "20:00"),
              having={"form": "deleted", "way": "a new login"}),
        fires("deleted, and purged from the directory since", ended("ann", deleted_at="-40 15:00"), login("ann", "20:00"), having={"form": "deleted"}),
        fires("disabled since the night before", ended("ann", disabled_since="01:00"), identity("ann", is_enabled=False), login("ann", "20:00"),
              having={"form": "disabled"}),
        quiet("disabled some time today", identity("ann", is_enabled=False), login("ann", "20:00")),
        quiet("enabled again some time today", ended("ann", disabled_since="-3 01:00"), identity("ann"), login("ann", "20:00")),
        quiet("deleted and made anew", ended("ann", deleted_at="-4 09:00"), identity("ann"), login("ann", "09:00")),
        fires("after the leave date", identity("ann", leave_at=instant("-1 00:00")), login("ann", "09:00"), having={"form": "left", "severity": "medium"}),
        quiet("before the leave date", identity("ann", leave_at=instant("5 00:00")), login("ann", "09:00")),
        quiet("ambiguous at the identity provider", identity("ann", match_state="ambiguous", is_enabled=None, is_deleted=True,
              deleted_at=instant("-2 15:00")), login("ann", "09:00")),
        quiet("rehired", ended("ann", off_since="-4 18:00", off_by="svc.hr", disabled_since="-3 01:00"), identity("ann"),
              _moved("ann", "07:10", "user_enabled"), login("ann", "11:00")),
        held("rehired, the identity provider lags", "rehired", ended("ann", off_since="-4 18:00", off_by="svc.hr", disabled_since="-3 01:00"),
             identity("ann", is_enabled=False), _moved("ann", "07:10", "user_enabled"), login("ann", "11:00")),
        fires("switched on at night by another, and disabled still", ended("ann", off_since="-3 15:00", off_by="svc.hr", disabled_since="-2 01:00"),
              identity("ann", is_enabled=False), _moved("ann", "00:30", "user_enabled", **HAND), login("ann", "01:30"), having={"form": "disabled"}),
        fires("switched on by another, without an identity provider", ended("ann", off_since="-3 15:00", off_by="svc.hr"),
              _moved("ann", "00:30", "user_enabled", **HAND), login("ann", "01:30"), having={"form": "switched_on_again", "severity": "medium"}),
        fires("switched on by another, days ago", ended("ann", on_since="-2 15:00", on_by="root", was_off_since="-9 15:00", is_regular_return=False),
              login("ann", "01:30"), having={"form": "switched_on_again"}),
        quiet("switched on by another, known to be good", ended("ann", off_since="-3 15:00", off_by="svc.hr"), identity("ann"),
              _moved("ann", "00:30", "user_enabled", **HAND), login("ann", "01:30")),
        quiet("off by mistake and put right within the grace", _moved("ann", "09:20", "user_disabled"), activity("ann", "09:30", "page_viewed", ip_source="transaction"),
              _moved("ann", "10:00", "user_enabled", **HAND), activity("ann", "11:00", "page_viewed", ip_source="transaction")),
        fires("locked by somebody", _moved("ann", "08:00", "user_locked", **HAND), activity("ann", "10:00", "page_viewed", ip_source="transaction"),
              having={"form": "locked"}),
        quiet("locked by failed logins", _moved("ann", "08:00", "user_locked", actor_user_name="system", actor_user_uid=None, is_system=True, is_integration=None),
              login("ann", "10:00")),
        quiet("jobs that go on", ended("ann", off_since="-1 16:00"), activity("ann", "07:00", "other", is_system=True, src_ip=None, ip_source=None),
              activity("ann", "07:00", "record_updated", src_ip=None, ip_source=None), activity("ann", "07:01", "email_sent", ip_source="last_login")),
        quiet("a page left open", ended("ann", off_since="-1 16:00"), activity("ann", "07:00", "other", ip_source="transaction")),
        quiet("attempts that fail", ended("ann", off_since="-1 16:00"), failure("ann", "07:00"), activity("ann", "08:00", "api_request", status="failure")),
        quiet("what others do to the account", ended("ann", off_since="-1 16:00"), _moved("ann", "09:00", "user_locked", **HAND),
              activity("root", "09:01", "role_revoked", resource_type="sys_user", resource_uid="uid-ann")),
        quiet("an administrator impersonates the leaver", ended("ann", off_since="-1 16:00"),
              activity("root", "09:01", "page_viewed", is_impersonated=True, effective_user_name="ann")),
        held("an integration account", "integration_account", ended("svc", off_since="-1 16:00"), activity("svc", "07:00", "api_request", ip_source="transaction",
             is_integration=True, **API)),
        held("a job outside that nobody stopped", "machine_as_before", ended("ann", off_since="-1 16:00"), known("ann", "ip", "203.0.113.10", days=20),
             known("ann", "device", "curl", days=20), activity("ann", "07:00", "api_request", ip_source="transaction", **API)),
        fires("a job that came with the end", ended("ann", off_since="-9 16:00"), known("ann", "ip", "203.0.113.10", days=8), known("ann", "device", "curl", days=8),
              activity("ann", "07:00", "api_request", ip_source="transaction", **API)),
        quiet("by our own account", ended("ann", off_since="-1 16:00"), login("ann", "07:00", is_own=True)),
        quiet("of nothing"),
        fires("hostile names", ended("x", off_since="-1 16:00"), *(login(name, "08:00", nth=n, actor_user_uid="uid-x") for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
