"""How much people usually do, carried on by one day.

A day teaches at most what would still have been usual, so that an attack does not make itself so. Days far above that are
counted as a run that four quiet days end: slow copying never passes a limit of one day, but does not stop either.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables, seconds
from pipelines.features.volumes import ORDINARY, measured

EVERYONE, DEPARTMENT = "*", "department:"
LEARNING_DAYS = (
    5  # active days before any is called raised: the working days of the seven that Defender for Cloud Apps learns
)
MEMORY_DAYS = 30  # active days that the mean looks back over: Defender's profile of one month
KEPT_DAYS = 90  # without activity a person is forgotten
RAISED, ABOVE_HIGH = 3.0, 1.5  # a day is raised above so many times the mean and the highest day
RUN_ENDS = 4 * 86_400  # seconds: a weekend and a day do not end a run
FADE = 0.98


def build(tables: Tables, day: date) -> ir.Table:
    """Yesterday's baselines and today's volumes."""
    people = measured(tables["core__activity"], tables["state__seen__previous"])
    before = tables["state__user_volume__previous"]
    ids = ["user_uid", "measure"]
    blank = {name: ibis.null(before[name].type()) for name in before.columns if name in _CARRIED}
    today = _by_measure(people).union(_by_measure(_means(people))).mutate(**blank)
    columns = [*ids, "value", "now", *_CARRIED]
    earlier = before.mutate(value=ibis.null("float64"), now=ibis.null("timestamp(6)"))
    both = today.select(columns).union(earlier.select(columns))
    merged = both.group_by(ids).agg(**{name: both[name].max() for name in columns if name not in ids})
    known = _carried_on(merged)
    return known.filter(
        known.last_seen >= ibis.literal(f"{day - timedelta(days=KEPT_DAYS)} 00:00:00").cast("timestamp(6)")
    )


_CARRIED = ("day_count", "mean", "high", "raised_days", "raised_sum", "last_raised", "last_seen")


def _means(people: ir.Table) -> ir.Table:
    """What the active people of each department, and all of them, did on average."""
    of_all = people.mutate(user_uid=ibis.literal(EVERYONE))
    of_department = people.filter(people.department.notnull()).mutate(user_uid=DEPARTMENT + people.department)
    both = of_all.union(of_department.select(of_all.columns))
    return both.group_by("user_uid").agg(
        department=ibis.null("string"),
        last_seen=both.last_seen.max(),
        **{name: both[name].mean().round(3) for name in ORDINARY},
    )


def _by_measure(wide: ir.Table) -> ir.Table:
    """One row per measure, with what is nothing special in it."""
    cells = [ibis.struct({"measure": ibis.literal(name), "value": wide[name].cast("float64")}) for name in ORDINARY]
    long = wide.select("user_uid", now=wide.last_seen, cell=ibis.array(cells).unnest())
    return long.select("user_uid", "now", measure=long.cell["measure"], value=long.cell["value"])


def _carried_on(rows: ir.Table) -> ir.Table:
    """The row as of tonight. Who was not active keeps what was known."""
    floors = ibis.cases(*((rows.measure == name, float(floor)) for name, floor in ORDINARY.items()), else_=0.0)
    filled = rows.mutate(
        floor=floors,
        active=rows.value.notnull(),
        value=rows.value.fill_null(0.0),
        day_count=rows.day_count.fill_null(0),
        mean=rows["mean"].fill_null(0.0),
        high=rows.high.fill_null(0.0),
        raised_days=rows.raised_days.fill_null(0),
        raised_sum=rows.raised_sum.fill_null(0.0),
    )
    teaches = ibis.greatest(filled.floor, RAISED * filled["mean"])
    told = filled.mutate(
        learned=ibis.least(filled.value, teaches),
        days=filled.day_count + filled.active.cast("int64"),
        raised=filled.active
        & (filled.day_count >= LEARNING_DAYS)
        & (filled.value > ibis.greatest(teaches, ABOVE_HIGH * filled.high)),
        goes_on=(seconds(filled.now) - seconds(filled.last_raised) <= RUN_ENDS).fill_null(False),
    )
    weight = ibis.least(told.days, MEMORY_DAYS).cast("float64")
    begins = told.raised & ~told.goes_on
    return told.select(
        "user_uid",
        "measure",
        day_count=told.days,
        mean=told.active.ifelse((told["mean"] + (told.learned - told["mean"]) / weight).round(3), told["mean"]),
        high=told.active.ifelse(ibis.greatest(told.learned, (told.high * FADE).round(3)), told.high),
        raised_days=begins.ifelse(0, told.raised_days) + told.raised.cast("int64"),
        raised_sum=begins.ifelse(0.0, told.raised_sum) + told.raised.ifelse(told.value, 0.0),
        last_raised=told.raised.ifelse(told.now, told.last_raised),
        last_seen=ibis.coalesce(told.now, told.last_seen),
    )


FEATURE = Feature(
    table=contract("state__user_volume"),
    reads=("core__activity", "state__seen__previous", "state__user_volume__previous"),
    build=build,
)
