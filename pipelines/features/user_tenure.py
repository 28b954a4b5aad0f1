"""How long each person has been known."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables
from pipelines.features.places import succeeded


def build(tables: Tables, _day: date) -> ir.Table:
    """Yesterday's counts and today's. Mail that came in is no use of an account: nobody signs in to send it, and anybody
    can write any sender."""
    activity = tables["core__activity"]
    done = activity.filter(succeeded(activity), activity.activity_name != "email_received")
    is_login = done.activity_name == "login"
    today = done.group_by(user_uid=done.actor_user_uid).agg(
        first_seen=done.time.min(),
        last_seen=done.time.max(),
        login_count=is_login.sum(),
        active_day_count=ibis.literal(1, "int64"),
        last_login=done.time.max(where=is_login),
    )
    both = today.union(tables["state__user_tenure__previous"].select(*today.columns))
    return both.group_by("user_uid").agg(
        first_seen=both.first_seen.min(),
        last_seen=both.last_seen.max(),
        login_count=both.login_count.sum(),
        active_day_count=both.active_day_count.sum(),
        last_login=both.last_login.max(),
    )


FEATURE = Feature(
    table=contract("state__user_tenure"), reads=("core__activity", "state__user_tenure__previous"), build=build
)
