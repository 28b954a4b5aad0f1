"""Score each stale day's people with the champion of every anomaly model, explain the strangest, measure drift.

A day that was scored keeps its revision in every rerun; a day that was never scored takes the latest champion that did not
learn from it. Where there is none the day stays without scores, and coverage says `learning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pyarrow as pa

from models.attribution import attribute
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

Champions = Mapping[str, str]  # model -> revision


def score(night: Night, lease: Lease) -> list[StepRow]:
    """Write `out__model_score`, `out__model_attribution` and `out__model_drift` of every stale day, in order."""
    store = ModelStore(night.settings.data_dir, night.instance)
    rows: list[StepRow] = []
    for day in night.landed_days():
        champions = champions_of(night, store, day)
        inputs = _fingerprint(night, day, champions)
        part = night.lake.partition(contract(SCORE), night.instance, day)
        if part is None or part.inputs != inputs:
            rows += _score_day(night, lease, store, day, champions, inputs)
    return rows


def champions_of(night: Night, store: ModelStore, day: date) -> Champions:
    """Model -> the revision that scores `day`: the recorded one where its artefact is held, else the champion."""
    trained = {id_: store.registry(id_) for id_ in catalogue() if id_ in store.model_ids()}
    if not trained:
        return {}
    recorded = _recorded(night, day)
    found = {}
    for id_, registry in trained.items():
        known = recorded.get(id_)
        if known and store.has(id_, known):
            found[id_] = known
        elif champion := registry.champion_for(day):
            found[id_] = champion.revision
    return found


def _recorded(night: Night, day: date) -> Champions:
    """Model -> revision of the day's scores as they are."""
    part = night.lake.partition(contract(SCORE), night.instance, day)
    if part is None or not part.rows:
        return {}
    frame = _read(night, contract(SCORE), [day])
    return dict(frame.select("model_id", "model_revision").unique().iter_rows())


def _fingerprint(night: Night, day: date, champions: Champions) -> str:
    week = days_between(day - timedelta(days=WEEK - 1), day)
    profiles = {night.lake.fingerprint([contract(catalogue()[id_].table)], night.instance, week) for id_ in champions}
    earlier = night.lake.fingerprint([contract(SCORE)], night.instance, week[:-1]) if champions else ""
    return revision_of(dict(champions), sorted(profiles), earlier)


def _score_day(
    night: Night, lease: Lease, store: ModelStore, day: date, champions: Champions, inputs: str
) -> list[StepRow]:
    tables = {name: [empty(contract(name))] for name in (SCORE, ATTRIBUTION, DRIFT)}
    with timed() as spent:
        for id_, revision in sorted(champions.items()):
            for name, found in _scored_by(night, store, id_, revision, day).items():
                tables[name].append(found)
        parts = {
            name: night.lake.replace(lease, contract(name), night.instance, day, _in_order(name, found), inputs=inputs)
            for name, found in tables.items()
        }
    state = "ok" if champions else "empty"
    said = ", ".join(f"{id_} {revision}" for id_, revision in sorted(champions.items()))
    said = said or "no model scores this day: run `nowguard model train`"
    return [
        StepRow("score", name, day, state, part.rows, spent[0] if name == SCORE else 0.0, said if name == SCORE else "")
        for name, part in parts.items()
    ]


def _scored_by(night: Night, store: ModelStore, id_: str, revision: str, day: date) -> dict[str, pa.Table]:
    """One model's rows of the three tables."""
    fitted = store.fitted(id_, revision)
    table = contract(fitted.model.table)
    week = days_between(day - timedelta(days=WEEK - 1), day)
    recent = _read(night, table, week)
    today = recent.filter(pl.col("event_date") == day)
    if today.is_empty():
        return {}
    frame = today.to_arrow()
    scored = pl.DataFrame(score_rows(fitted, frame, threads=night.settings.threads)).rename(
        {"group": "peer_group", "risk": "risk_score"}
    )
    stamp = {"instance": night.instance, "model_id": id_, "model_revision": revision}
    scores = scored.join(today.select("user_uid", "user_name"), on="user_uid", how="left", maintain_order="left")
    scores = _with_run(scores, _earlier(night, id_, week[:-1])).with_columns(
        (pl.col("risk_score") >= 50).fill_null(False).alias("is_in_budget"), *_literals({**stamp, "event_date": day})
    )
    strange = scored.filter(pl.col("percentile") >= EXPLAINED)["user_uid"]
    explained = today.filter(pl.col("user_uid").is_in(strange.implode()))
    found = {SCORE: scores}
    if not explained.is_empty():
        found[ATTRIBUTION] = pl.DataFrame(attribute(fitted, explained.to_arrow())).with_columns(*_literals(stamp))
    moved = pl.DataFrame(drift(fitted, recent.to_arrow())).rename({"group": "peer_group", "rows": "user_days"})
    found[DRIFT] = moved.with_columns(*_literals({**stamp, "event_date": day}))
    return {name: _as(contract(name), rows) for name, rows in found.items()}


def _with_run(scores: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """The day's surprise, and what the last seven days' sum to."""
    share = (1 - pl.col("percentile") / 100).clip(LEAST_SHARE, 1.0)
    today = scores.with_columns((-share.log()).round(4).alias("surprise"))
    run = pl.concat([earlier, today.select("user_uid", "surprise")]).filter(pl.col("surprise") > SURPRISING)
    summed = run.group_by("user_uid").agg(
        pl.col("surprise").sort().sum().round(4).alias("surprise_7d"),  # sorted: a float sum depends on its order
        pl.len().cast(pl.Int64).alias("strange_days_7d"),
    )
    return today.join(summed, on="user_uid", how="left", maintain_order="left").with_columns(
        pl.col("surprise_7d").fill_null(0.0), pl.col("strange_days_7d").fill_null(0)
    )


def _earlier(night: Night, id_: str, days: list[date]) -> pl.DataFrame:
    frame = _read(night, contract(SCORE), days)
    return frame.filter(pl.col("model_id") == id_).select("user_uid", "surprise")


def _read(night: Night, table: Table, days: list[date]) -> pl.DataFrame:
    """Partitions as one frame, in the order of days and users."""
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as con:
        night.lake.view(con, table, night.instance, days, name="_read")
        return pl.DataFrame(con.sql("FROM _read").to_arrow_table()).sort("event_date", "user_uid", maintain_order=True)


def _literals(values: Mapping[str, object]) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in values.items()]


def _as(table: Table, frame: pl.DataFrame) -> pa.Table:
    return conform(table, frame.select(table.columns).to_arrow())


def _in_order(name: str, found: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(found).sort_by([(column, "ascending") for column in contract(name).sort_by])
