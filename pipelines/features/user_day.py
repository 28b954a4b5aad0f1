"""What each person did on the day, counted. Failed and successful activities alike; context only of the successful."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables
from pipelines.features.places import succeeded
from pipelines.features.seen import traits
from pipelines.features.volumes import ADMIN_VERBS

LISTED = ("tor", "anonymous_proxy", "botnet", "password_spray", "scanner")
NIGHT = (22, 23, 0, 1, 2, 3, 4)


def build(tables: Tables, _day: date) -> ir.Table:
    """Counts of the day, and of the traits that yesterday's memory does not hold."""
    activity = tables["core__activity"]
    counted = _counts(activity.filter(activity.actor_user_uid.notnull(), ~activity.is_system))
    new = _new_traits(activity, tables["state__seen__previous"])
    joined = counted.left_join(new, "user_uid")
    fresh = [f"new_{kind}_count" for kind in ("country", "asn", "device")]
    return joined.select(*counted.columns, **{name: joined[name].fill_null(0) for name in fresh})


def _counts(a: ir.Table) -> ir.Table:
    ok, hour = succeeded(a), a.time.hour()
    return a.group_by(user_uid=a.actor_user_uid).agg(
        user_name=a.actor_user_name.max(),
        department=a.department.max(),
        first_time=a.time.min(),
        last_time=a.time.max(),
        activity_count=a.count(),
        active_hour_count=hour.nunique(),
        night_activity_count=hour.isin(NIGHT).sum(),
        session_count=a.session_uid.nunique(),
        login_failure_count=(a.activity_name == "login_failed").sum(),
        failure_count=((a.activity_name != "login_failed") & (a.status.fill_null("unknown") == "failure")).sum(),
        country_count=a.country.nunique(where=ok),
        city_count=(a.country + "/" + a.city).nunique(where=ok),
        ip_count=a.src_ip.nunique(where=ok),
        asn_count=a.asn.nunique(where=ok),
        device_count=a.device_key.nunique(where=ok),
        listed_ip_count=(ok & ibis.or_(*(a.ip_categories.contains(name).fill_null(False) for name in LISTED))).sum(),
        impersonated_count=a.is_impersonated.sum(),
        table_count=a.resource_type.nunique(where=ok & (a.resource_type != "file")),
        **_verbs(a, ok),
    )


def _verbs(a: ir.Table, ok: ir.BooleanValue) -> dict[str, ir.Value]:
    def did(*verbs: str) -> ir.BooleanValue:
        return ok & a.activity_name.isin(verbs)

    def size(*verbs: str) -> ir.Value:
        return a.bytes.sum(where=did(*verbs)).fill_null(0)

    return {
        "login_count": did("login").sum(),
        "download_count": did("file_downloaded").sum(),
        "download_file_count": a.resource_uid.nunique(where=did("file_downloaded")),
        "download_bytes": size("file_downloaded"),
        "export_count": did("exported").sum(),
        "export_bytes": size("exported"),
        "export_row_count": a.row_count.sum(where=did("exported")).fill_null(0),
        "upload_count": did("file_uploaded").sum(),
        "upload_bytes": size("file_uploaded"),
        "file_delete_count": did("file_deleted").sum(),
        "file_rename_count": did("file_renamed").sum(),
        "record_delete_count": did("record_deleted").sum(),
        "record_change_count": did("record_created", "record_updated").sum(),
        "api_request_count": did("api_request").sum(),
        "api_bytes": size("api_request"),
        "email_count": did("email_sent").sum(),
        "admin_change_count": did(*ADMIN_VERBS).sum(),
    }


def _new_traits(activity: ir.Table, seen: ir.Table) -> ir.Table:
    shown = traits(activity)
    new = shown.anti_join(seen, ["user_uid", "kind", "value"])
    return new.group_by("user_uid").agg(
        **{f"new_{kind}_count": (new.kind == kind).sum() for kind in ("country", "asn", "device")}
    )


FEATURE = Feature(table=contract("feat__user_day"), reads=("core__activity", "state__seen__previous"), build=build)
