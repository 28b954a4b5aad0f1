"""Which accounts have ended: by the instance's audit or accounts, by the identity provider, and who came back.

A transition that is told (audit, event, difference of snapshots) has a time. A state that is only seen has the time at which it
was certainly so: never earlier, because nobody may be accused of work done while the account was still good.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables, seconds

KEPT = timedelta(days=30)  # how long a return is remembered
OFF, ON, LOCK, UNLOCK = ("user_disabled", "user_deleted"), ("user_enabled",), ("user_locked",), ("user_unlocked",)


def moves(activity: ir.Table) -> ir.Table:
    """Accounts switched off and on, locked and unlocked: `user_uid`, `channel`, `is_off`, `time`, `seconds`, `by`,
    `by_machine`, `activity_uid`. An account that locks itself by failed logins has not ended."""
    told = activity.filter(
        activity.resource_type == "sys_user",
        activity.resource_uid.notnull(),
        activity.activity_name.isin([*OFF, *ON, *LOCK, *UNLOCK]),
        activity.status.fill_null("unknown") != "failure",
    )
    by_other = (
        told.actor_user_name.notnull() & ~told.is_system & (told.actor_user_uid != told.resource_uid).fill_null(True)
    )
    told = told.filter((told.activity_name != "user_locked") | by_other)
    return told.select(
        "activity_uid",
        "time",
        user_uid=told.resource_uid,
        channel=ibis.ifelse(told.activity_name.isin([*LOCK, *UNLOCK]), "lock", "switch"),
        is_off=told.activity_name.isin([*OFF, *LOCK]),
        seconds=seconds(told.time),
        by=told.actor_user_name,
        by_machine=told.is_integration.fill_null(False) | told.is_system,
    )


def build(tables: Tables, day: date) -> ir.Table:
    """Yesterday's accounts, carried on by what today tells and shows."""
    before = tables["state__departure__previous"].drop("instance", "event_date")
    today = moves(tables["core__activity"])
    users = tables["core__user"].select("user_uid", "is_active", "is_locked_out", "updated_at", "profile_source")
    known = tables["core__identity"].select(
        "user_uid", "directory_id", "is_enabled", "is_deleted", "seen_at", "leave_at",
        gone_at=ibis._.deleted_at, is_known=ibis._.match_state == "matched",
    )  # fmt: skip
    ended = known.filter(
        known.is_deleted.fill_null(False) | ~known.is_enabled.fill_null(True) | known.leave_at.notnull()
    )
    keys = ibis.union(
        before.select("user_uid"), today.select("user_uid"), users.filter(~users.is_active.fill_null(True)).select("user_uid"),
        ended.select("user_uid"), distinct=True,
    )  # fmt: skip
    rows = keys.left_join(before.rename({f"old_{c}": c for c in before.columns if c != "user_uid"}), "user_uid")
    rows = rows.drop("user_uid_right") if "user_uid_right" in rows.columns else rows
    for part in (_last(today, "switch"), _last(today, "lock"), users, known):
        joined = rows.left_join(part, "user_uid")
        rows = joined.select(*rows.columns, *(part[c] for c in part.columns if c != "user_uid"))
    return _kept(_carried(rows, day), day)


def _last(today: ir.Table, channel: str) -> ir.Table:
    """Per account the day's last move of a channel, and what came before it; columns begin with the channel."""
    own = today.filter(today.channel == channel)
    nth = ibis.row_number().over(
        ibis.window(group_by="user_uid", order_by=[own.seconds.desc(), own.activity_uid.desc()])
    )
    own = own.mutate(is_last=nth == 0)
    return own.group_by("user_uid").agg(
        **{
            f"{channel}_is_off": own.is_off.any(where=own.is_last),
            f"{channel}_time": own.time.max(where=own.is_last),
            f"{channel}_by": own.by.max(where=own.is_last),
            f"{channel}_by_machine": own.by_machine.any(where=own.is_last),
            f"{channel}_first_off": own.time.min(where=own.is_off),
            f"{channel}_last_off": own.time.max(where=own.is_off),
            f"{channel}_off_by": own.by.max(where=own.is_off),
            f"{channel}_had_on": (~own.is_off).any(),
        }
    )


def _carried(rows: ir.Table, day: date) -> ir.Table:
    """One column after the other: what is told goes before what is seen, what is seen before what was."""
    nothing, no_name = ibis.null("timestamp(6)"), ibis.null("string")
    end = ibis.literal(f"{day + timedelta(days=1)} 00:00:00").cast("timestamp(6)")
    is_observed = (rows.profile_source == "observed").fill_null(False)
    is_seen_off, is_seen_on = ~rows.is_active.fill_null(True), rows.is_active.fill_null(False) & is_observed
    is_told_off, is_told_on = rows.switch_is_off.fill_null(False), ~rows.switch_is_off.fill_null(True)
    told_off = ibis.ifelse(
        rows.switch_had_on.fill_null(False),
        rows.switch_last_off,
        ibis.coalesce(rows.old_off_since, rows.switch_first_off),
    )
    seen_off = ibis.coalesce(rows.old_off_since, ibis.least(rows.updated_at, end), end)
    ended_at = ibis.coalesce(rows.old_off_since, rows.switch_first_off)
    ended_by = ibis.coalesce(rows.old_off_by, rows.switch_off_by)
    lock_told = ibis.ifelse(
        rows.lock_had_on.fill_null(False), rows.lock_last_off, ibis.coalesce(rows.old_locked_since, rows.lock_first_off)
    )
    is_free = ~rows.lock_is_off.fill_null(True) | (~rows.is_locked_out.fill_null(True) & is_observed)
    is_known, is_deleted = rows.is_known.fill_null(False), rows.is_deleted.fill_null(False)
    is_back = is_told_on & ended_at.notnull()
    return rows.select(
        "user_uid",
        off_since=ibis.cases(
            (is_told_off, told_off), (is_told_on, nothing), (is_seen_off, seen_off), (is_seen_on, nothing), else_=rows.old_off_since
        ),
        off_by=ibis.cases(
            (is_told_off, ibis.coalesce(rows.switch_off_by, rows.old_off_by)), (is_told_on | is_seen_on, no_name), else_=rows.old_off_by
        ),
        locked_since=ibis.cases((rows.lock_is_off.fill_null(False), lock_told), (is_free, nothing), else_=rows.old_locked_since),
        on_since=ibis.cases((is_back, rows.switch_time), (is_told_off, nothing), else_=rows.old_on_since),
        on_by=ibis.cases((is_back, rows.switch_by), (is_told_off, no_name), else_=rows.old_on_by),
        was_off_since=ibis.cases((is_back, ended_at), (is_told_off, nothing), else_=rows.old_was_off_since),
        is_regular_return=ibis.cases(
            (is_back, rows.switch_by_machine.fill_null(False) | (rows.switch_by == ended_by).fill_null(False)),
            (is_told_off, ibis.null("boolean")),
            else_=rows.old_is_regular_return,
        ),
        directory_id=ibis.coalesce(rows.directory_id, rows.old_directory_id),
        disabled_since=ibis.cases(
            (is_known & ~is_deleted & ~rows.is_enabled.fill_null(True), ibis.coalesce(rows.old_disabled_since, rows.seen_at)),
            (is_known & ~is_deleted & rows.is_enabled.fill_null(False), nothing),
            else_=rows.old_disabled_since,
        ),
        deleted_at=ibis.cases(
            (is_known & is_deleted, ibis.coalesce(rows.gone_at, rows.old_deleted_at)), (is_known, nothing), else_=rows.old_deleted_at
        ),
        left_at=ibis.ifelse(is_known, rows.leave_at, rows.old_left_at),
    )  # fmt: skip


def _kept(rows: ir.Table, day: date) -> ir.Table:
    oldest = ibis.literal(f"{day - KEPT} 00:00:00").cast("timestamp(6)")
    is_ended = ibis.or_(
        *(rows[c].notnull() for c in ("off_since", "locked_since", "disabled_since", "deleted_at", "left_at"))
    )
    return rows.filter(is_ended | (rows.on_since >= oldest))


FEATURE = Feature(
    table=contract("state__departure"),
    reads=("core__activity", "core__user", "core__identity", "state__departure__previous"),
    build=build,
)
