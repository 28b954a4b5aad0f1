"""What was done in each session, and how new and how rare the place and the device are that it came from."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables, seconds
from pipelines.features.day_measures import of_people
from pipelines.features.places import succeeded
from pipelines.features.seen import ORGANISATION, traits
from pipelines.features.volumes import ADMIN_VERBS, DELETING, LEAVING

KINDS = ("country", "asn", "device")


def build(tables: Tables, _day: date) -> ir.Table:
    """Counts by session; what has no session id is in the person's day only."""
    a = of_people(tables["core__activity"])
    a = a.filter(a.session_uid.notnull(), a.session_uid != "")
    ok, name = succeeded(a), a.activity_name

    def did(*verbs: str) -> ir.BooleanValue:
        return ok & name.isin(verbs)

    counted = a.group_by("session_uid", user_uid=a.actor_user_uid).agg(
        first_time=a.time.min(),
        last_time=a.time.max(),
        duration=seconds(a.time).max() - seconds(a.time).min(),
        activity_count=a.count(),
        failure_count=(a.status.fill_null("unknown") == "failure").sum(),
        ip_count=a.src_ip.nunique(where=ok),
        country_count=a.country.nunique(where=ok),
        device_count=a.device_key.nunique(where=ok),
        table_count=a.resource_type.nunique(where=ok & (a.resource_type != "file")),
        record_count=a.resource_uid.nunique(where=did("record_viewed")),
        download_file_count=a.resource_uid.nunique(where=did("file_downloaded")),
        export_count=did("exported").sum(),
        bytes_out=a.bytes.sum(where=did(*LEAVING)).fill_null(0),
        upload_count=did("file_uploaded").sum(),
        deletion_count=did(*DELETING).sum(),
        change_count=did("record_created", "record_updated").sum(),
        admin_change_count=did(*ADMIN_VERBS).sum(),
        impersonated_count=(ok & a.is_impersonated).sum(),
    )
    known = _beside_memory(a, tables["state__seen__previous"])
    joined = counted.left_join(known, ["user_uid", "session_uid"])
    news = {name: joined[name].fill_null(0) for name in known.columns if name.startswith("new_")}
    rare = {name: joined[name] for name in known.columns if name.startswith("rarest_")}
    return joined.select(*counted.columns, **news, **rare)


def _beside_memory(activity: ir.Table, seen: ir.Table) -> ir.Table:
    """By session and kind of trait: how many the person had never shown, and how many people show the rarest of them."""
    shown = traits(activity, "session_uid")
    shown = shown.filter(shown.kind.isin(KINDS))
    mine = seen.filter(seen.user_uid != ORGANISATION).select("user_uid", "kind", "value", was_shown=ibis.literal(True))
    everyone = seen.filter(seen.user_uid == ORGANISATION).select("kind", "value", "user_count")
    told = shown.left_join(mine, ["user_uid", "kind", "value"]).drop("user_uid_right", "kind_right", "value_right")
    told = told.left_join(everyone, ["kind", "value"])
    news = {f"new_{kind}_count": ((told.kind == kind) & told.was_shown.isnull()).sum() for kind in KINDS}
    people = told.user_count.fill_null(0)
    rare = {f"rarest_{kind}_user_count": people.min(where=told.kind == kind) for kind in KINDS}
    return told.group_by("user_uid", "session_uid").agg(**news, **rare)


FEATURE = Feature(table=contract("feat__session"), reads=("core__activity", "state__seen__previous"), build=build)
