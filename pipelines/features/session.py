"""What was done in each session."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables, seconds
from pipelines.features.day_measures import of_people
from pipelines.features.places import succeeded
from pipelines.features.volumes import ADMIN_VERBS, DELETING, LEAVING


def build(tables: Tables, _day: date) -> ir.Table:
    """Counts by session; what has no session id is in the person's day only."""
    a = of_people(tables["core__activity"])
    a = a.filter(a.session_uid.notnull(), a.session_uid != "")
    ok, name = succeeded(a), a.activity_name

    def did(*verbs: str) -> ir.BooleanValue:
        return ok & name.isin(verbs)

    return a.group_by("session_uid", user_uid=a.actor_user_uid).agg(
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


FEATURE = Feature(table=contract("feat__session"), reads=("core__activity",), build=build)
