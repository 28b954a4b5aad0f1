"""Accounts whose password is to be changed, since when, and on how many days it was used all the same.

The first day does not count: whoever signed in that morning may have been asked in the evening. A day whose accounts are
known from a later snapshot only says nothing, and what was known stays.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables
from pipelines.features.places import succeeded

SINGLE_SIGN_ON = "single sign-on"


def by_password(activity: ir.Table) -> ir.Table:
    """Logins that worked by what the instance knows itself: not by single sign-on, and of people."""
    return activity.filter(
        activity.activity_name == "login",
        succeeded(activity),
        activity.detail.fill_null("") != SINGLE_SIGN_ON,
        ~activity.is_integration.fill_null(False),
    )


def build(tables: Tables, day: date) -> ir.Table:
    """Yesterday's accounts but those that are good now, those of today, and a day more where the password was used."""
    users = tables["core__user"].select("user_uid", is_due=ibis._.is_password_reset_due)
    before = tables["state__reset_due__previous"].select("user_uid", "due_since", "used_days")
    used = by_password(tables["core__activity"]).select(user_uid=ibis._.actor_user_uid).distinct().mutate(is_used=True)
    keys = ibis.union(before.select("user_uid"), users.filter(users.is_due).select("user_uid"), distinct=True)
    rows = keys.left_join(before, "user_uid").select("user_uid", "due_since", "used_days")
    rows = rows.left_join(users, "user_uid").select(*rows.columns, "is_due")
    rows = rows.left_join(used, "user_uid").select(*rows.columns, "is_used")
    rows = rows.filter(rows.is_due.fill_null(True))
    end = ibis.literal(f"{day + timedelta(days=1)} 00:00:00").cast("timestamp(6)")
    counts = rows.due_since.notnull() & rows.is_used.fill_null(False)
    return rows.select(
        "user_uid",
        due_since=ibis.coalesce(rows.due_since, end),
        used_days=rows.used_days.fill_null(0) + counts.cast("int64"),
    )


FEATURE = Feature(
    table=contract("state__reset_due"),
    reads=("core__activity", "core__user", "state__reset_due__previous"),
    build=build,
)
