"""Continuing behaviour and sliding windows as Ibis expressions that DuckDB and Spark answer alike.

Time is whole seconds (`pipelines.features.core.seconds`). Both ends of a window count: 60 seconds apart is within 60.
"""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir

from pipelines.policies.core import Suppression


def number_episodes(rows: ir.Table, *, by: str, gap: int, into: str = "episode") -> ir.Table:
    """`rows` (with `seconds` and the unique `activity_uid`) and the number of their episode: a new one begins after more
    than `gap` seconds without a row of the same `by`."""
    in_order = ibis.window(group_by=by, order_by=["seconds", "activity_uid"])
    marked = rows.mutate(pause=rows.seconds - rows.seconds.lag().over(in_order))
    starts = (marked.pause.fill_null(0) > gap).cast("int64")
    so_far = ibis.window(group_by=by, order_by=["seconds", "activity_uid"], preceding=None, following=0)
    return marked.mutate(**{into: starts.sum().over(so_far)}).drop("pause")


def excuse_of(rows: ir.Table, suppressions: Iterable[Suppression]) -> ir.StringValue:
    """The first explanation that holds for a row, else '': part of a thread, so that no row is excused by another's."""
    return ibis.cases(*((rows[s.name].fill_null(False), s.name) for s in suppressions), else_="")


def common_columns(rows: ir.Table, user: str = "user_uid", name: str = "user_name") -> dict[str, ir.Value]:
    """The columns that every detection has (`core.REQUIRED`), over the activities of a group."""
    return {
        "actor_user_uid": rows[user].max(),
        "actor_user_name": rows[name].max(),
        "first_seen": rows.time.min(),
        "last_seen": rows.time.max(),
        "evidence_count": rows.count(),
        "evidence": rows.activity_uid.collect().sort(),
        "src_ips": rows.src_ip.collect(distinct=True).sort(),
        "countries": rows.country.collect(distinct=True).sort(),
    }


def count_within(condition: ir.BooleanValue, *, by: str | tuple[str, ...], within: int) -> ir.Value:
    """How many rows of the same `by` meet `condition` in the `within` seconds up to each row, itself included."""
    window = ibis.range_window(group_by=by, order_by="seconds", preceding=within, following=0)
    return condition.cast("int64").sum().over(window)


def reached(rows: ir.Table, *floors: tuple[ir.Value, float], by: str, within: int) -> ir.Table:
    """`by` of those whose sum of any value comes to its floor in two neighbouring stretches of `within` seconds of the clock.

    Whoever comes to it in a sliding window is among them, and of a big day few others are: one pass that spares
    the windows behind it the rest. Values are counts or sizes, never negative."""
    names = [f"value_{n}" for n in range(len(floors))]
    sums = {name: value.cast("int64").sum().fill_null(0) for name, (value, _) in zip(names, floors, strict=True)}
    stretch = rows.group_by(by, stretch=rows.seconds // within).agg(**sums)
    both = stretch.union(stretch.mutate(stretch=stretch.stretch + 1))
    both = both.group_by(by, "stretch").agg(**{name: both[name].sum() for name in names})
    met = ibis.or_(*(both[name] >= floor for name, (_, floor) in zip(names, floors, strict=True)))
    return both.filter(met).select(by).distinct()


def peak_distinct(rows: ir.Table, item: str, *, by: str, within: int) -> ir.Table:
    """How many different `item`s the same `by` touched in the `within` seconds up to each instant at which that number
    changes: `by`, `seconds`, `distinct_count`. It rises only with a touch, so its peak stands beside a row of `rows`.

    A distinct count over a sliding window costs a sort per row, and Spark has none. But an item counts at time t exactly
    while t lies between its touch (or the end of the window of its earlier touch) and `within` seconds later: a sum of
    steps, which is one pass.
    """
    touches = rows.select(by, item, "seconds").distinct()
    earlier = touches.seconds.lag().over(ibis.window(group_by=[by, item], order_by="seconds"))
    spans = touches.mutate(
        begin=ibis.greatest(touches.seconds, (earlier + within + 1).fill_null(touches.seconds)),
        end=touches.seconds + within + 1,
    )
    up = spans.select(spans[by], at=spans.begin, step=ibis.literal(1, "int64"))
    down = spans.select(spans[by], at=spans.end, step=ibis.literal(-1, "int64"))
    steps = up.union(down)
    steps = steps.group_by(by, "at").agg(step=steps.step.sum())
    running = steps.step.sum().over(ibis.window(group_by=by, order_by="at", preceding=None, following=0))
    return steps.select(by, seconds=steps["at"], distinct_count=running)
