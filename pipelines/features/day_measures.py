"""What is counted of each person's day for the profile, and which habits the day showed."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.features.places import succeeded
from pipelines.features.volumes import ADMIN_VERBS, DELETING, LEAVING

HOURS_TOGETHER = 3  # a person who begins at eight may begin at nine
SATURDAY = 5  # Monday is 0
FILE_BYTES = 65_536  # a usual file: bytes are compared in such units, so that one small file is no leap from none


def of_people(activity: ir.Table) -> ir.Table:
    """Activities of known accounts; platform actors have no ordinary day."""
    return activity.filter(activity.actor_user_uid.notnull(), ~activity.is_system)


def measured(activity: ir.Table) -> ir.Table:
    """One row per active person: names, department, `account_kind`, `last_seen` and each of `MEASURES`."""
    a = of_people(activity)
    ok, name = succeeded(a), a.activity_name

    def did(*verbs: str) -> ir.BooleanValue:
        return ok & name.isin(verbs)

    return a.group_by(user_uid=a.actor_user_uid).agg(
        user_name=a.actor_user_name.max(),
        department=a.department.max(),
        account_kind=_kind(a),
        last_seen=a.time.max(),
        activities=a.count(),
        files=a.resource_uid.nunique(where=did("file_downloaded")),
        bytes_out=a.bytes.sum(where=did(*LEAVING)).fill_null(0),
        exports=did("exported").sum(),
        records=a.resource_uid.nunique(where=did("record_viewed")),
        tables=a.resource_type.nunique(where=ok & (a.resource_type != "file")),
        changes=did("record_created", "record_updated").sum(),
        api_requests=did("api_request").sum(),
        uploads=did("file_uploaded").sum(),
        deletions=did(*DELETING).sum(),
        emails=did("email_sent").sum(),
        admin_changes=did(*ADMIN_VERBS).sum(),
        impersonations=(ok & a.is_impersonated).sum(),
        failures=((name == "login_failed") | (a.status.fill_null("unknown") == "failure")).sum(),
        active_hours=a.time.hour().nunique(),
    )


def _kind(a: ir.Table) -> ir.StringValue:
    """What kind of account it is; what the roles do not tell is an employee's."""
    return ibis.cases(
        (a.is_integration.fill_null(False).any(), "integration"),
        (a.is_privileged.fill_null(False).any(), "privileged"),
        (a.is_external.fill_null(False).any(), "external"),
        else_="employee",
    )


def habits(activity: ir.Table) -> ir.Table:
    """Each habit that each person showed: `user_uid`, `department`, `kind`, `value`, `times`, `last_seen`."""
    a = of_people(activity)
    a = a.filter(succeeded(a))
    shown = a.group_by(
        user_uid=a.actor_user_uid,
        hours=_hours(a.time),
        table=ibis.ifelse(a.resource_type == "file", a.parent_table, a.resource_type),
        agent=a.agent_family,
    ).agg(department=a.department.max(), times=a.count(), last_seen=a.time.max())
    return ibis.union(*(_habit(shown, kind) for kind in ("hours", "table", "agent")))


def _hours(time: ir.TimestampValue) -> ir.StringValue:
    """`w3` for 09:00 to 12:00 of a working day, `e3` of a weekend."""
    band = (time.hour() // HOURS_TOGETHER).cast("int64").cast("string")
    return ibis.ifelse(time.day_of_week.index() >= SATURDAY, "e", "w") + band


def _habit(shown: ir.Table, kind: str) -> ir.Table:
    some = shown.filter(shown[kind].notnull(), shown[kind] != "")
    return some.group_by(user_uid=some.user_uid, kind=ibis.literal(kind), value=some[kind]).agg(
        department=some.department.max(), times=some.times.sum(), last_seen=some.last_seen.max()
    )


def size(rows: ir.Table, measure: str) -> ir.Value:
    """The logarithm in which days are compared: of 1 + the count, bytes counted in usual files."""
    counted = rows[measure].cast("float64")
    return ((counted / FILE_BYTES if measure == "bytes_out" else counted) + 1).ln()
