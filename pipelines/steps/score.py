"""Score each stale day's people with the champion of every anomaly model, explain the strangest, measure drift.

A day that was scored keeps its revision in every rerun; a day that was never scored takes the latest champion that did not
learn from it. Where there is none the day stays without scores, and coverage says `learning`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from models.attribution import attribute
from models.core import Fitted
from models.drift import drift
from models.registry import catalogue
from models.score import score as score_rows
from pipelines.contracts import contract
from pipelines.contracts.table import Table, conform, empty
from pipelines.lake import Lease
from pipelines.steps.model_store import ModelStore
from pipelines.steps.night import Night, StepRow, revision_of, timed
from pipelines.window import days_between

SCORE, ATTRIBUTION, DRIFT = "out__model_score", "out__model_attribution", "out__model_drift"
EXPLAINED = 95.0  # percentile from which a user-day is explained
WEEK = 7  # days that surprises are summed over, and that drift is measured on
SURPRISING = 1.0  # a surprise that one day in three reaches is none
LEAST_SHARE = 1e-4  # no training window tells smaller shares apart

RECORD = " by "  # in a partition's fingerprint: what comes after it names the champions

Champions = Mapping[str, str]  # model -> revision
Found = Mapping[str, pl.DataFrame]  # table -> rows of some days


def score(night: Night, lease: Lease) -> list[StepRow]:
    """Write `out__model_score`, `out__model_attribution` and `out__model_drift` of every stale day, in order."""
    store = ModelStore(night.settings.data_dir, night.instance)
    days = night.landed_days()
    champions = {day: champions_of(night, store, day) for day in days}
    inputs = {day: _fingerprint(night, day, champions) for day in days}
    held = {day: night.lake.partition(contract(SCORE), night.instance, day) for day in days}
    stale = [day for day in days if (part := held[day]) is None or part.inputs != inputs[day]]
    rows: list[StepRow] = []
    for batch in _batches(stale, champions):
        with timed() as spent:
            found = _scored(night, store, batch, champions[batch[0]])
        for day in batch:
            rows += _write(night, lease, day, found, champions[day], inputs[day], spent[0] / len(batch))
    return rows


def _batches(stale: list[date], champions: Mapping[date, Champions]) -> Iterator[list[date]]:
    """Days in order with the same champions, at most a week at once: a forest's preparation is paid once a batch."""
    batch: list[date] = []
    for day in stale:
        if batch and (len(batch) == WEEK or champions[day] != champions[batch[0]]):
            yield batch
            batch = []
        batch.append(day)
    if batch:
        yield batch


def champions_of(night: Night, store: ModelStore, day: date) -> Champions:
    """Model -> the revision that scores `day`: what was recorded when the day was first looked at, also that there was none;
    else the champion. A recorded revision whose artefact is gone gives way to the champion."""
    part = night.lake.partition(contract(SCORE), night.instance, day)
    recorded = _recorded(part.inputs) if part else None
    if recorded is not None and all(store.has(id_, revision) for id_, revision in recorded.items()):
        return {id_: revision for id_, revision in recorded.items() if id_ in catalogue()}
    trained = {id_: store.registry(id_) for id_ in store.model_ids() if id_ in catalogue()}
    return {id_: found.revision for id_, registry in trained.items() if (found := registry.champion_for(day))}


def _recorded(inputs: str) -> Champions | None:
    """The champions in the fingerprint of a partition; None where it holds no such record."""
    _, mark, said = inputs.partition(RECORD)
    return dict(pair.split("=", 1) for pair in said.split()) if mark else None


def _fingerprint(night: Night, day: date, champions: Mapping[date, Champions]) -> str:
    """The week's profiles and the champions of its days decide the scores: surprises are summed over them."""
    week = _week(day)
    tables = {catalogue()[id_].contract for near in week for id_ in champions.get(near, {})}
    profiles = sorted(night.lake.fingerprint([table], night.instance, week) for table in tables)
    found = revision_of([sorted(champions.get(near, {}).items()) for near in week], profiles)
    return found + RECORD + " ".join(f"{id_}={revision}" for id_, revision in sorted(champions[day].items()))


def _week(day: date) -> list[date]:
    return days_between(day - timedelta(days=WEEK - 1), day)


def _scored(night: Night, store: ModelStore, batch: list[date], champions: Champions) -> Found:
    """Rows of the three tables for the days of a batch."""
    found: dict[str, list[pl.DataFrame]] = {SCORE: [], ATTRIBUTION: [], DRIFT: []}
    for id_, revision in sorted(champions.items()):
        fitted = store.fitted(id_, revision)
        recent = _read(night, fitted.model.contract, days_between(_week(batch[0])[0], batch[-1]))
        if recent.filter(pl.col("event_date").is_in(batch)).is_empty():
            continue
        stamp = {"instance": night.instance, "model_id": id_, "model_revision": revision}
        for name, rows in _by(night, fitted, recent, batch).items():
            found[name] += [rows.with_columns(*_literals(stamp))]
    return {
        name: pl.concat(frames) if frames else pl.DataFrame(empty(contract(name))) for name, frames in found.items()
    }


def _by(night: Night, fitted: Fitted, recent: pl.DataFrame, batch: list[date]) -> Found:
    """One model's rows; `recent` holds the profiles of the batch and of the six days before it."""
    rows = recent.filter(pl.col("event_date").is_in(batch))
    names = rows.select("event_date", "user_uid", "user_name")
    scored = pl.DataFrame(score_rows(fitted, rows.to_arrow(), threads=night.settings.threads))
    scores = scored.rename({"group": "peer_group", "risk": "risk_score"}).join(
        names, on=["event_date", "user_uid"], how="left", maintain_order="left"
    )
    earlier = _earlier(night, fitted.model.id, days_between(_week(batch[0])[0], batch[0] - timedelta(days=1)))
    strange = scored.filter(pl.col("percentile") >= EXPLAINED).select("event_date", "user_uid")
    explained = rows.join(strange, on=["event_date", "user_uid"], how="semi", maintain_order="left")
    found = {SCORE: _with_runs(scores, earlier, batch)}
    if not explained.is_empty():
        found[ATTRIBUTION] = pl.DataFrame(attribute(fitted, explained.to_arrow()))
    found[DRIFT] = pl.concat([_drift(fitted, recent, day) for day in batch])
    return found


def _drift(fitted: Fitted, recent: pl.DataFrame, day: date) -> pl.DataFrame:
    week = recent.filter(pl.col("event_date").is_in(_week(day)))
    moved = pl.DataFrame(drift(fitted, week.to_arrow())).rename({"group": "peer_group", "rows": "user_days"})
    return moved.with_columns(pl.lit(day).alias("event_date"))


def _with_runs(scores: pl.DataFrame, earlier: pl.DataFrame, batch: list[date]) -> pl.DataFrame:
    """Each day's surprise, and what the seven days up to it sum to."""
    share = (1 - pl.col("percentile") / 100).clip(LEAST_SHARE, 1.0)
    today = scores.with_columns(
        (-share.log()).round(4).alias("surprise"), (pl.col("risk_score") >= 50).fill_null(False).alias("is_in_budget")
    )
    both = pl.concat([earlier, today.select("event_date", "user_uid", "surprise")])
    both = both.filter(pl.col("surprise") > SURPRISING)
    runs = pl.concat([_run(both.filter(pl.col("event_date").is_in(_week(day))), day) for day in batch])
    joined = today.join(runs, on=["event_date", "user_uid"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("surprise_7d").fill_null(0.0), pl.col("strange_days_7d").fill_null(0))


def _run(week: pl.DataFrame, day: date) -> pl.DataFrame:
    return week.group_by("user_uid").agg(
        pl.lit(day).alias("event_date"),
        pl.col("surprise")
        .sort()
        .sum()
        .round(4)
        .alias("surprise_7d"),  # sorted: a sum of fractions depends on its order
        pl.len().cast(pl.Int64).alias("strange_days_7d"),
    )


def _write(
    night: Night, lease: Lease, day: date, found: Found, champions: Champions, inputs: str, seconds: float
) -> list[StepRow]:
    said = ", ".join(f"{id_} {revision}" for id_, revision in sorted(champions.items()))
    said = said or "no model scores this day: run `nowguard model train`"
    rows = []
    for name, frame in found.items():
        table = contract(name)
        of_day = frame.filter(pl.col("event_date") == day).select(table.columns).sort(table.sort_by)
        part = night.lake.replace(lease, table, night.instance, day, conform(table, of_day.to_arrow()), inputs=inputs)
        state = "ok" if champions else "empty"
        row = StepRow("score", name, day, state, part.rows)
        rows.append(replace(row, seconds=seconds, message=said) if name == SCORE else row)
    return rows


def _earlier(night: Night, id_: str, days: list[date]) -> pl.DataFrame:
    frame = _read(night, contract(SCORE), days)
    return frame.filter(pl.col("model_id") == id_).select("event_date", "user_uid", "surprise")


def _read(night: Night, table: Table, days: list[date]) -> pl.DataFrame:
    """Partitions as one frame, in the order of days and users."""
    with night.connect() as con:
        night.lake.view(con, table, night.instance, days, name="_read")
        return pl.DataFrame(con.sql("FROM _read").to_arrow_table()).sort("event_date", "user_uid", maintain_order=True)


def _literals(values: Mapping[str, object]) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in values.items()]
