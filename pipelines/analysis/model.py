"""What an anomaly model says: scores of user-days, what made them, what would change one, and drift.

A user-day is one person on one UTC day. A path is counted in cuts; a short one is strange: a contribution below 0 makes the day
stranger (`models.attribution`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from pipelines.analysis.warehouse import Warehouse, open_warehouse
from pipelines.contracts import contract
from pipelines.errors import UsageError
from pipelines.report.model_sql import DISTRIBUTION, DRIFT, EFFECTS, JUDGED, PRECISION, STABILITY

ORGANISATION = "organisation"  # the peer group of everybody
TRAIN = "run `nowguard model train`, then the next night; `nowguard model list` shows what there is"
UserDay = tuple[str, date] | Mapping[str, Any] | pl.DataFrame


def fitted_models(*, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """Every fitted model: role, training window, rows learned and left out, and why it is or is not the champion."""
    return (warehouse or open_warehouse()).ask("FROM mart.models ORDER BY model_id, trained_to DESC, model_revision")


def scores(
    *,
    model: str | None = None,
    user: str | None = None,
    first: date | None = None,
    last: date | None = None,
    warehouse: Warehouse | None = None,
) -> pl.DataFrame:
    """Scored user-days, strangest first, with `alert_count` of the day and the analysts' `verdict` (true, harmless, null).

    `model` may be left out where one model scores; `user` is a name or sys_id; `first` and `last` UTC days.
    """
    house = warehouse or open_warehouse()
    frame = _asked(house, JUDGED, model)
    tests = [(pl.col("actor_user_name") == user).fill_null(False) | (pl.col("actor_user_uid") == user)] if user else []
    tests += [pl.col("event_date") >= first] if first else []
    tests += [pl.col("event_date") <= last] if last else []
    order = ["risk_score", "depth", "event_date", "actor_user_uid"]
    return frame.filter(*tests).sort(order, descending=[True, False, True, False], nulls_last=True)


def score_distribution(*, model: str | None = None, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """User-days by score: `risk_from` (steps of five), `user_days`, and of these `alerted`."""
    return _asked(warehouse or open_warehouse(), DISTRIBUTION, model)


def feature_effects(*, model: str | None = None, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """What drives the scores of the explained days: one row a feature, strongest first, with its meaning and unit.

    `mean_effect` cuts, either way; `mean_shortening` cuts, above 0 makes days stranger; `first_reason_share` of days.
    """
    house = warehouse or open_warehouse()
    frame = _asked(house, EFFECTS, model)
    told = {field.name: field for field in contract(_table(model_id(house, model))).fields} if frame.height else {}
    meaning = [told[name].description if name in told else "" for name in frame["feature"]]
    units = [told[name].unit if name in told else "" for name in frame["feature"]]
    return frame.with_columns(pl.Series("meaning", meaning, pl.String), pl.Series("unit", units, pl.String))


def attributions(*, model: str | None = None, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """Every feature of every explained user-day: value, usual value, contribution (cuts)."""
    sql = "FROM mart.model_attributions WHERE model_id = $model ORDER BY event_date, actor_user_uid, feature"
    return _asked(warehouse or open_warehouse(), sql, model)


def stability(*, model: str | None = None, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """One row a day: user-days, how many of 1,000 the budget took, and where the middle of the percentiles lies (50 if it fits)."""
    return _asked(warehouse or open_warehouse(), STABILITY, model)


def drift(
    *, model: str | None = None, peer_group: str = ORGANISATION, warehouse: Warehouse | None = None
) -> pl.DataFrame:
    """Population stability index of each feature and day: below 0.1 stable, below 0.25 moderate, else shifted."""
    return _asked(warehouse or open_warehouse(), DRIFT, model, peer_group=peer_group)


def precision_at_budget(*, model: str | None = None, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """Of the user-days in the top of each budget: how many carry a verdict, how many of these were confirmed, and the precision.

    Only days about which there was an alert can carry a verdict: read `judged` before `precision`.
    """
    frame = _asked(warehouse or open_warehouse(), PRECISION, model)
    return frame.with_columns(
        pl.when(pl.col("judged") > 0).then(pl.col("confirmed") / pl.col("judged")).alias("precision")
    )


def model_id(house: Warehouse, wanted: str | None = None) -> str:
    """The model asked for, else the only one that scored."""
    known = house.ask("SELECT DISTINCT model_id FROM mart.model_scores ORDER BY 1")["model_id"].to_list()
    if not known:
        raise UsageError("no model has scored a day yet", remedy=TRAIN)
    if wanted is None and len(known) > 1:
        raise UsageError(f"{len(known)} models score here", remedy=f"say which with model=: {', '.join(known)}")
    if wanted is not None and wanted not in known:
        raise UsageError(f"no model {wanted} has scored a day", remedy=f"choose one of {', '.join(known)}")
    return wanted or str(known[0])


def user_day(house: Warehouse, wanted: UserDay, model: str | None = None) -> dict[str, Any]:
    """The scored row of a user-day: (user, day), a row of `scores()`, or a frame of one row."""
    if isinstance(wanted, pl.DataFrame):
        if wanted.height != 1:
            raise UsageError(
                f"this frame has {wanted.height} user-days", remedy="choose one, for example scores().head(1)"
            )
        wanted = wanted.row(0, named=True)
    who, day = wanted if isinstance(wanted, tuple) else (wanted["actor_user_uid"], wanted["event_date"])
    said = model or (None if isinstance(wanted, tuple) else wanted["model_id"])
    found = scores(model=said, user=who, first=day, last=day, warehouse=house)
    if not found.height:
        raise UsageError(f"no model scored this person on {day}", remedy="choose a row of scores()")
    return found.row(0, named=True)


def _asked(house: Warehouse, sql: str, model: str | None, **values: Any) -> pl.DataFrame:
    return house.ask(sql, model=model_id(house, model), **values)


def _table(id_: str) -> str:
    from models.registry import model

    return model(id_).table
