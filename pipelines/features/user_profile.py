"""What an ordinary day of each person looks like, carried on by one day.

Location and distance are followed by small steps (a thirtieth of what the day differs) on the logarithm of each count. A day
moves them by at most three distances, so that one wild day, an attack included, hardly moves what is ordinary. The slow
reference moves by a 250th: who does a little more each week leaves it behind, although no day differs from the one before.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.contracts.state.user_profile import ANCHORED, MEASURES
from pipelines.features.core import Feature, Tables
from pipelines.features.day_measures import measured, size

LEARNING_DAYS = 5  # active days: the working days of the seven that Defender for Cloud Apps learns
MEMORY_DAYS = 30  # active days that the ordinary day looks back over: Defender's profile of one month
ANCHOR_DAYS = 250  # active days that the slow reference looks back over: the working days of a year
KEPT_DAYS = 180  # without activity a person is forgotten, as dormant accounts are at Sentinel
STEP = 3.0  # distances that one day moves the ordinary day by, at most
LEAST_SPREAD = 0.35  # of a count of one or two the logarithm strays so far by chance alone
DIGITS = 4

_WHO = ("user_uid", "department", "account_kind", "last_seen")


def build(tables: Tables, day: date) -> ir.Table:
    """Yesterday's ordinary days and today's counts."""
    today = measured(tables["core__activity"]).drop("user_name")
    before = tables["state__user_profile__previous"]
    learned = [name for name in before.columns if name not in (*_WHO, "instance", "event_date")]
    blank_today = {name: ibis.null(before[name].type()) for name in learned}
    blank_before = {name: ibis.null("float64") for name in MEASURES}
    columns = [*_WHO, *MEASURES, *learned]
    both = (
        today.mutate(**{name: today[name].cast("float64") for name in MEASURES}, **blank_today)
        .select(columns)
        .union(before.mutate(**blank_before).select(columns))
    )
    merged = both.group_by("user_uid").agg(
        department=both.department.argmax(both.last_seen),
        account_kind=both.account_kind.argmax(both.last_seen),
        last_seen=both.last_seen.max(),
        **{name: both[name].max() for name in (*MEASURES, *learned)},
    )
    oldest = ibis.literal(f"{day - timedelta(days=KEPT_DAYS)} 00:00:00").cast("timestamp(6)")
    return _carried_on(merged.filter(merged.last_seen >= oldest))


def _carried_on(rows: ir.Table) -> ir.Table:
    """The row as of tonight. Who was not active keeps what was known."""
    active = rows.activities.notnull()
    days = rows.day_count.fill_null(0) + active.cast("int64")
    numbered = rows.mutate(active=active, days=days)
    weight = 1.0 / ibis.least(numbered.days, MEMORY_DAYS).cast("float64")
    slow = 1.0 / ibis.least(numbered.days, ANCHOR_DAYS).cast("float64")
    learned: dict[str, ir.Value] = {}
    for name in MEASURES:
        center, spread = numbered[f"{name}_center"].fill_null(0.0), numbered[f"{name}_spread"].fill_null(0.0)
        differs = size(numbered, name) - center
        reach = STEP * ibis.greatest(spread, LEAST_SPREAD)
        is_new = numbered.days <= LEARNING_DAYS
        moves = is_new.ifelse(differs, ibis.greatest(ibis.least(differs, reach), -reach))
        strays = ibis.ifelse(numbered.days <= 1, 0.0, moves.abs() - spread)
        learned[f"{name}_center"] = _if_active(numbered, center + weight * moves, center)
        learned[f"{name}_spread"] = _if_active(numbered, spread + weight * strays, spread)
        if name in ANCHORED:
            anchor = numbered[f"{name}_anchor"].fill_null(0.0)
            above = size(numbered, name) - anchor
            above = is_new.ifelse(above, ibis.greatest(ibis.least(above, reach), -reach))
            learned[f"{name}_anchor"] = _if_active(numbered, anchor + slow * above, anchor)
    return numbered.select(*_WHO, day_count=numbered.days, **learned)


def _if_active(rows: ir.Table, moved: ir.Value, kept: ir.Value) -> ir.Value:
    return rows.active.ifelse(moved.round(DIGITS), kept)


FEATURE = Feature(
    table=contract("state__user_profile"), reads=("core__activity", "state__user_profile__previous"), build=build
)
