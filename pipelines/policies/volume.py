"""How much is too much: what somebody does beside what the person and the department usually do.

A limit grows with the person: an absolute floor, twice the highest day, several times the mean day of person and colleagues.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import seconds
from pipelines.features.user_volume import DEPARTMENT, EVERYONE
from pipelines.policies.cases import DAY, INSTANCE, at
from pipelines.policies.core import Param, Row
from pipelines.policies.episodes import common_columns

USUAL = ("mean", "high", "raised_days", "raised_sum", "last_raised", "day_count")

TIMES_HIGH = Param(
    "times_high",
    2.0,
    "The person's highest day, times this, is no longer usual",
    "ours; a day teaches three times at most",
)
TIMES_MEAN = Param("times_mean", 5.0, "The mean day of person and department, times this, is no longer usual", "ours; a Poisson count passes it once in 10,000 days from a mean of 4 on")  # fmt: skip


def acts(activity: ir.Table, *conditions: ir.BooleanValue, **columns: ir.Value) -> ir.Table:
    """Rows that a sitting is made of: who, when, from where, and `columns` of the policy's own. Refusals move nothing."""
    done = activity.filter(
        activity.status.fill_null("unknown") != "failure",
        activity.actor_user_uid.notnull() | activity.actor_user_name.notnull(),
        ~activity.is_system,
        *conditions,
    )
    subject = ibis.coalesce(activity.actor_user_uid, "name:" + activity.actor_user_name.lower())
    return done.select(
        "activity_uid", "actor_user_uid", "actor_user_name", "event_date", "time", "src_ip", "country", "asn",
        user_uid=subject,
        department=activity.department,
        seconds=seconds(activity.time),
        is_integration=activity.is_integration.fill_null(False),
        **columns,
    )  # fmt: skip


def sum_within(value: ir.Value, *, by: str, within: int) -> ir.Value:
    """The sum of `value` over the rows of the same `by` in the `within` seconds up to each row, itself included."""
    window = ibis.range_window(group_by=by, order_by="seconds", preceding=within, following=0)
    return value.fill_null(0).sum().over(window)


def evidence(rows: ir.Table) -> dict[str, ir.Value]:
    """The standard columns of a detection over the rows of a group."""
    return {
        **common_columns(rows, "actor_user_uid", "actor_user_name"),
        "department": rows.department.max(),
        "is_integration": rows.is_integration.any(),
    }


def with_usual(found: ir.Table, volume: ir.Table, measure: str, into: str = "usual") -> ir.Table:
    """`found` (with `user_uid` and `department`) and what is usual in `measure`: `usual_mean`, `usual_high` and the rest
    of the person, 0 where nothing is known; `usual_peers`: the mean day in the department, else in the organisation."""
    of_measure = volume.filter(volume.measure == measure)
    own = of_measure.select("user_uid", **{f"{into}_{name}": of_measure[name] for name in USUAL})
    peers = of_measure.select(_group=of_measure.user_uid, _of_department=of_measure["mean"])
    everyone = of_measure.filter(of_measure.user_uid == EVERYONE).select(
        _everyone=of_measure.user_uid, _of_all=of_measure["mean"]
    )
    keyed = found.mutate(_group=DEPARTMENT + found.department, _everyone=ibis.literal(EVERYONE))
    joined = keyed.left_join(own, "user_uid").select(*keyed.columns, *own.columns[1:])
    joined = joined.left_join(peers, "_group").select(*joined.columns, "_of_department")
    joined = joined.left_join(everyone, "_everyone").select(*joined.columns, "_of_all")
    zeros = {f"{into}_{name}": joined[f"{into}_{name}"].fill_null(0) for name in USUAL if name != "last_raised"}
    filled = joined.mutate(
        **zeros, **{f"{into}_peers": ibis.coalesce(joined["_of_department"], joined["_of_all"], 0.0)}
    )
    return filled.drop("_group", "_everyone", "_of_department", "_of_all")


def limit(
    found: ir.Table, floor: float | ir.Value, times_high: float, times_mean: float, of: str = "usual"
) -> ir.Value:
    """Above this it is unusual for the person and for the colleagues."""
    return ibis.greatest(
        ibis.literal(float(floor)) if isinstance(floor, int | float) else floor,
        times_high * found[f"{of}_high"],
        times_mean * found[f"{of}_mean"],
        times_mean * found[f"{of}_peers"],
    )


def trait(found: ir.Table) -> dict[str, ir.Value]:
    """The network that the rarity flags are about."""
    return {
        "trait_kind": ibis.ifelse(found.trait_value.notnull(), "asn", ibis.null("string")),
        "trait_value": found.trait_value,
    }


def used_to(user: str, measure: str, mean: float, **values: Any) -> Row:
    """For cases, a row of `state__user_volume`: somebody (or `*`) who has done so much on each of thirty active days."""
    row: dict[str, Any] = {
        "instance": INSTANCE,
        "event_date": DAY - timedelta(days=1),
        "user_uid": user if user == EVERYONE or user.startswith(DEPARTMENT) else f"uid-{user}",
        "measure": measure,
        "day_count": 30,
        "mean": mean,
        "high": mean,
        "raised_days": 0,
        "raised_sum": 0.0,
        "last_seen": at("-1 17:00"),
    }
    if foreign := values.keys() - set(contract("state__user_volume").columns):
        raise ValueError(f"state__user_volume has no columns {sorted(foreign)}")
    return Row("state__user_volume", row | values)
