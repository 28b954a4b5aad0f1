"""An account comes to life that nobody has used for a month or longer.

Forgotten accounts have old passwords and no owner who would notice. Idle means: no successful activity of any kind in what
is remembered, and no login since by the account's own record; mail sent in under its address is none of either. An account
of which neither knows counts once memory itself is that long and the account is older; a new one does not. What a person
brings back from a long absence, the own device on a known network or the office, explains it.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.places import has, with_address
from pipelines.policies.cases import (
    DAY,
    HOSTILE,
    INSTANCE,
    account,
    activity,
    at,
    failure,
    fires,
    held,
    known,
    login,
    quiet,
)
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import common_columns
from pipelines.policies.habits import Question, with_habits

SECONDS_A_DAY = 86_400


def detect(tables: Tables, params: Params) -> ir.Table:
    """One row per account that was idle before the day, over what it did on the day."""
    rows = _idle(with_address(tables["core__activity"]), tables["state__user_tenure"], tables["core__user"], params)
    rows = with_habits(
        rows, "activity_uid", tables["state__seen"],
        asn_days=Question("asn", rows.asn, rows.user_uid),
        device_days=Question("device", rows.device_key, rows.user_uid),
    )  # fmt: skip
    return _gathered(rows)


def _idle(done: ir.Table, tenure: ir.Table, users: ir.Table, params: Params) -> ir.Table:
    """What accounts did that have been idle long enough; `idle_since` is null where they were never seen."""
    done = done.select(
        "activity_uid", "activity_name", "time", "src_ip", "country", "asn", "as_org", "device_key", "is_privileged",
        user_uid=done.actor_user_uid, user_name=done.actor_user_name, in_office=has(done, "corporate"), memory=ibis.literal(1),
    )  # fmt: skip
    memory = tenure.agg(remembers_since=tenure.first_seen.min()).mutate(memory=ibis.literal(1))
    done = done.inner_join(memory, "memory").drop("memory")
    known = tenure.select("user_uid", seen_last=tenure.last_seen)
    made = users.select("user_uid", "created_at", "last_login_at")
    rows = done.left_join(known, "user_uid").select(*done.columns, "seen_last")
    rows = rows.left_join(made, "user_uid").select(*rows.columns, "created_at", "last_login_at")
    latest = ibis.greatest(rows.seen_last.coalesce(rows.last_login_at), rows.last_login_at.coalesce(rows.seen_last))
    rows = rows.mutate(idle_since=latest)
    enough = seconds(rows.time) - params.dormant_days * SECONDS_A_DAY
    never = rows.idle_since.isnull() & (seconds(rows.remembers_since) <= enough) & (seconds(rows.created_at) <= enough)
    return rows.filter((seconds(rows.idle_since) <= enough).fill_null(False) | never.fill_null(False))


def _gathered(rows: ir.Table) -> ir.Table:
    """An account is known again from the next day on: one row is the whole awakening."""
    found = rows.group_by("user_uid").agg(
        **common_columns(rows),
        trait_value=rows.asn.max().cast("string"),
        network=rows.as_org.max(),
        is_privileged=rows.is_privileged.fill_null(False).any(),
        idle_days=((seconds(rows.time) - seconds(rows.idle_since)) // SECONDS_A_DAY).min().cast("int64"),
        is_new_device=(rows.device_days == 0).any(),
        office=rows.in_office.all(),
        back_as_before=((rows.device_days > 0) & (rows.asn_days > 0)).all(),
    )
    return found.mutate(
        trait_kind=ibis.ifelse(found.trait_value.notnull(), "asn", ibis.null("string")),
        severity=ibis.ifelse(found.is_privileged, "high", "medium"),
    )


def _account(user: str, *, created: str = "-400 08:00", **values: Any) -> Row:
    """An account that is older than memory."""
    return account(user, created_at=at(created), **values)


def _last(user: str, days: int, *, since: int = 300) -> Row:
    """A row of `state__user_tenure`: last seen so many days ago."""
    seen = {
        "first_seen": at(f"-{since} 08:00"),
        "last_seen": at(f"-{days} 08:00"),
        "login_count": 40,
        "active_day_count": 30,
    }
    return Row("state__user_tenure", {"instance": INSTANCE, "event_date": DAY, "user_uid": f"uid-{user}", **seen})


def _before(row: Row) -> Row:
    """The row as of the end of the day before."""
    return Row(row.table, {**row.values, "event_date": at("-1 00:00").date()})


MEMORY = _before(_last("somebody", 1))
ASLEEP = (_account("ann"), _before(_last("ann", 90)), MEMORY)
HERE: dict[str, Any] = {
    "device_key": "chrome/windows/pc",
    "asn": 64900,
    "as_org": "Lagos Telecom",
    "src_ip": "198.51.100.77",
}

POLICY = Policy(
    id="dormant_account_activity",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078",),
    title="{actor}, an account that nobody used for a long time, acted again ({network})",
    summary=__doc__,
    blind_to="Accounts that a job keeps alive; accounts older than memory in its first month; whoever comes from the "
    "office, or on a device like the person's own and through the same network.",
    triage=(
        "Who owns the account, and does that person still work here?",
        "Was there a long absence: leave, illness, a secondment?",
        "Read what was done first: password change, new credentials, downloads.",
        "If nobody explains it, end all sessions and switch the account off.",
    ),
    reads=("core__activity", "core__user", "state__seen", "state__user_tenure"),
    needs=Evidence(
        tables=("sysevent", "sys_user"), helpful_tables=("syslog_transaction",), data=("asn",), learning_days=30
    ),
    params=(Param("dormant_days", 30, "Days without any activity after which an account is dormant", "ServiceNow Security Center, no login in 30 days", "days"),),
    suppressions=(
        Suppression("office", "user", "Everything came from the organisation's own addresses"),
        Suppression("back_as_before", "user", "Everything came from a device and a network of the person"),
    ),
    facts=("network", "idle_days", "is_new_device", "is_privileged"),
    detect=detect,
    cases=(
        fires("after ninety days", *ASLEEP, login("ann", "08:00", **HERE), having={"idle_days": 90, "severity": "medium", "is_new_device": True}),
        fires("an administrator", *ASLEEP, login("ann", "08:00", is_privileged=True, **HERE), having={"severity": "high"}),
        fires("an account that was never used", _account("ann"), MEMORY, login("ann", "08:00", **HERE), having={"idle_days": None}),
        fires("a token", *ASLEEP, activity("ann", "08:00", "api_request", is_interactive=False, **HERE)),
        fires("one alert for a day", *ASLEEP, login("ann", "08:00", **HERE), login("ann", "22:00", **HERE), having={"evidence_count": 2}),
        fires("at thirty days", _account("ann"), MEMORY, _before(_last("ann", 30)), login("ann", "08:00", **HERE)),
        quiet("a second earlier", _account("ann"), MEMORY, _before(_last("ann", 30)), login("ann", "07:59:59", **HERE)),
        quiet("a new account", _account("ann", created="-3 08:00"), MEMORY, login("ann", "08:00", **HERE)),
        quiet("an old account while memory is short", _account("ann"), _before(_last("somebody", 1, since=9)), login("ann", "08:00", **HERE)),
        fires("a login months ago by its record, while memory is short", _account("ann", last_login_at=at("-120 08:00")),
              _before(_last("somebody", 1, since=9)), login("ann", "08:00", **HERE), having={"idle_days": 120}),
        quiet("a login last week by its record", _account("ann", last_login_at=at("-7 08:00")), MEMORY, _before(_last("ann", 90)),
              login("ann", "08:00", **HERE)),
        quiet("an account that nobody can read", MEMORY, login("ann", "08:00", **HERE)),
        quiet("failures", *ASLEEP, failure("ann", "08:00", **HERE)),
        held("back in the office", "office", *ASLEEP, login("ann", "08:00", **HERE | {"ip_categories": ["corporate"]})),
        held("back from leave", "back_as_before", *ASLEEP, known("ann", "asn", "64500", last=80), known("ann", "device", "firefox/linux/pc", last=80),
             login("ann", "08:00")),
        fires("in the office and elsewhere", *ASLEEP, login("ann", "08:00", ip_categories=["corporate"]), login("ann", "20:00", **HERE)),
        quiet("of nothing"),
        fires("hostile names", *ASLEEP, *(login(name, "08:00", nth=n, **HERE | {"actor_user_uid": "uid-ann", "src_ip": name, "device_key": name, "as_org": name})
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
