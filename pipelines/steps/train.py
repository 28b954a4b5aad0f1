"""Train the anomaly models on what has landed: challenger against champion, promoted by the rule or left for a person.

Left out are the days of people about whom an alert or an explained observation speaks, unless a person closed it as benign
or as a false positive: a day of that kind is one to learn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pyarrow as pa

from models.compare import Comparison, compare
from models.core import Model
from models.registry import catalogue, model
from models.train import train as fit
from pipelines import alerts
from pipelines.contracts import contract
from pipelines.errors import UsageError
from pipelines.lake import Lease
from pipelines.steps.model_store import RULE, ModelStore, Revision
from pipelines.steps.night import Night, StepRow, timed
from pipelines.window import days_between

WINDOW_DAYS = 90  # as first-seen habits: older days say little about people now
HELD_OUT_DAYS = 7  # the newest days, on which champion and challenger are compared: neither learned them
LEAST_DAYS = 14  # fewer do not hold two weekends
HARMLESS = ("benign", "false_positive")


@dataclass(frozen=True)
class Trained:
    """What one training made of one model."""

    model_id: str
    revision: Revision
    comparison: Comparison
    role: str
    seconds: float


def train(night: Night, lease: Lease) -> list[StepRow]:
    """Every declared model on the days up to the night's last; what could not be trained is said, and stops no other."""
    rows = []
    for id_ in catalogue():
        try:
            done = train_model(night, lease, id_)
        except UsageError as error:
            rows.append(StepRow("train", id_, night.last, "failed", message=str(error)))
            continue
        said = f"{done.role} {done.revision.revision}" + "".join(f"; {o}" for o in done.comparison.objections)
        rows.append(StepRow("train", id_, night.last, "ok", done.revision.user_days, done.seconds, said))
    return rows


def train_model(
    night: Night, lease: Lease, id_: str, *, promote: bool = True, refresh: bool = False, window_days: int = WINDOW_DAYS
) -> Trained:
    """Fit, compare, keep; promote where the rule has no objection. `refresh` also makes the frozen reference anew."""
    del lease  # held, so that no second run writes the registry
    declared = model(id_)
    store = ModelStore(night.settings.data_dir, night.instance)
    champion = store.registry(id_).champion
    held = store.fitted(id_, champion.revision) if champion else None
    days = _days(night, declared, window_days)
    learned, compared_on = (days[:-HELD_OUT_DAYS], days[-HELD_OUT_DAYS:]) if held else (days, days)
    with timed() as spent:
        frame = _frame(night, declared, learned)
        fitted = fit(
            declared,
            frame,
            instance=night.instance,
            as_of=learned[-1],
            exclude=excluded(night, learned),
            reference=None if refresh else held,
            threads=night.settings.threads,
        )
        comparison = compare(fitted, held, frame if compared_on == learned else _frame(night, declared, compared_on))
        made = store.add(fitted, objections=comparison.objections, compared=_figures(comparison))
        if promote and comparison.promotes:
            store.promote(id_, made.revision, decided_by=RULE, reason=_reason(comparison, champion))
    return Trained(id_, made, comparison, store.registry(id_).role_of(made), spent[0])


def _days(night: Night, declared: Model, window_days: int) -> list[date]:
    """The days that the training may use, oldest first."""
    held = set(night.lake.days(declared.contract, night.instance))
    window = days_between(night.last - timedelta(days=window_days - 1), night.last)
    days = [day for day in window if day in held]
    if len(days) < LEAST_DAYS:
        raise UsageError(
            f"{len(days)} days of {declared.table} up to {night.last} are too few to train {declared.id}: it takes {LEAST_DAYS}",
            remedy="run more nights, or give a later day with --to",
        )
    return days


def _frame(night: Night, declared: Model, days: Sequence[date]) -> pa.Table:
    names = dict.fromkeys(
        (*declared.key, *declared.features, declared.member, *([declared.group_by] if declared.group_by else []))
    )
    with night.connect() as con:
        night.lake.view(con, declared.contract, night.instance, days, name="_days")
        columns = ", ".join(f'"{name}"' for name in names)
        return con.sql(f"SELECT {columns} FROM _days ORDER BY {', '.join(declared.key)}").to_arrow_table()  # ours


def excluded(night: Night, days: Sequence[date]) -> pa.Table:
    """`user_uid`, `event_date` of people about whom an alert or an explained observation speaks."""
    detection, evidence = contract("out__detection"), contract("out__detection_evidence")
    with night.connect() as con:
        for table in (detection, evidence):
            night.lake.view(con, table, night.instance, days if table is detection else [], name=table.name)
        folded = alerts.fold(
            con,
            con.sql(f"FROM {detection.name}"),
            con.sql(f"FROM {evidence.name}"),
            alerts.Triage(night.store).snapshot(),
        )
    both = pl.concat([pl.DataFrame(folded.alerts), pl.DataFrame(folded.behaviors)])
    spoken = both.filter(
        ~pl.col("is_summary").fill_null(False), ~pl.col("classification").is_in(list(HARMLESS)).fill_null(False)
    )
    spans = spoken.select(
        pl.col("actor_user_uids").alias("user_uid"),
        pl.date_ranges(pl.col("first_seen").dt.date(), pl.col("last_seen").dt.date()).alias("event_date"),
    )
    return (
        spans.explode("user_uid").explode("event_date").drop_nulls().unique().sort("event_date", "user_uid").to_arrow()
    )


def _figures(found: Comparison) -> list[tuple[str, float]]:
    names = ("rank_correlation", "top_overlap", "budget_used", "injected_recall", "champion_injected_recall")
    values = {name: float(getattr(found, name)) for name in names}
    return [(name, round(value, 4)) for name, value in values.items() if not math.isnan(value)]


def _reason(found: Comparison, champion: Revision | None) -> str:
    if champion is None:
        return f"the first one, within its budget: raises {found.budget_used:.1f} times what it allows"
    return (
        f"finds {found.injected_recall:.0%} of injected anomalies (before {found.champion_injected_recall:.0%}), "
        f"ranks like the champion to {found.rank_correlation:.2f}"
    )
