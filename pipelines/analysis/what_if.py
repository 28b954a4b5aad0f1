"""What would change a score: one user-day scored again with other values, by the very model that scored it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.analysis.model import TRAIN, UserDay, user_day
from pipelines.analysis.warehouse import Warehouse, open_warehouse
from pipelines.contracts import contract
from pipelines.errors import StorageError, UsageError

if TYPE_CHECKING:
    from models.core import Fitted

Change = float | Literal["usual"]
SWEPT, STEPS = 3, 25


@dataclass(frozen=True)
class WhatIf:
    """`before` and `after` risk 0-100, of the same day. `features`: feature, value and contribution before and after.

    `curves`: risk along the strongest features, one at a time, from the usual value to half as much again as the day's own.
    """

    title: str
    changes: Mapping[str, float]
    before: float
    after: float
    features: pl.DataFrame
    curves: pl.DataFrame


def what_if(day: UserDay, *, model: str | None = None, warehouse: Warehouse | None = None, **changes: Change) -> WhatIf:
    """The score of a user-day had some features been other: `what_if(scores().head(1), files_over_own=0, new_tables="usual")`.

    Without changes: the day as it was, with its curves. `day` as `user_day` takes it; it must be an explained one (at or above the
    95th percentile), for only these are published with their features.
    """
    house = warehouse or open_warehouse()
    row = user_day(house, day, model)
    told = _told(house, row)
    fitted = fitted_of(house, row)
    values = dict(told.select("feature", "value").iter_rows())
    usual = dict(told.select("feature", "baseline").iter_rows())
    known = _checked(changes, usual)
    both = _frame(fitted, row, [values, values | known])
    features = _features(fitted, both)
    risk = _risk(fitted, both)
    return WhatIf(
        title=f"{row['actor_user_name'] or row['actor_user_uid']} on {row['event_date']}",
        changes=known,
        before=risk[0],
        after=risk[1],
        features=features,
        curves=_curves(fitted, row, values, usual, features),
    )


def fitted_of(house: Warehouse, row: Mapping[str, Any]) -> Fitted:
    """The artefact that scored `row`; refused where it is not the one that was recorded."""
    from models.artefact import load

    folder = model_folder(house, row)
    try:
        mark = str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise StorageError(
            f"the model that scored this day is not in {folder}", remedy=f"restore it from a backup, or {TRAIN}"
        ) from None
    if not mark.startswith(row["model_revision"]):
        raise StorageError(
            f"{folder} holds another model than the one that scored this day", remedy="restore it from a backup"
        )
    return load(folder, fingerprint=mark)


def model_folder(house: Warehouse, row: Mapping[str, Any]) -> Path:
    """Where the run keeps the revision that scored `row`."""
    return Path(house.settings.data_dir, "models", row["instance"], row["model_id"], row["model_revision"])


def _told(house: Warehouse, row: Mapping[str, Any]) -> pl.DataFrame:
    found = house.ask(
        "SELECT feature, value, baseline FROM mart.model_attributions WHERE instance = $instance AND event_date = $day "
        "AND model_id = $model AND actor_user_uid = $actor",
        instance=row["instance"], day=row["event_date"], model=row["model_id"], actor=row["actor_user_uid"],
    )  # fmt: skip
    if not found.height:
        raise UsageError(
            "this day is not published with its features: it was too ordinary to be explained",
            remedy="choose one with a percentile of 95 or more, for example scores().head(1)",
        )
    return found


def _checked(changes: Mapping[str, Change], usual: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(changes) - set(usual))
    if unknown:
        raise UsageError(
            f"the model has no feature {', '.join(unknown)}", remedy=f"choose of {', '.join(sorted(usual))}"
        )
    return {name: usual[name] if value == "usual" else float(value) for name, value in changes.items()}


def _frame(fitted: Fitted, row: Mapping[str, Any], days: Sequence[Mapping[str, float | None]]) -> pa.Table:
    """The day once for each set of values, as rows of the model's table."""
    model = fitted.model
    table = contract(model.table)
    same = {"event_date": row["event_date"], "user_uid": row["actor_user_uid"], model.group_by: row["peer_group"]}
    names = dict.fromkeys((*model.key, model.member, *([model.group_by] if model.group_by else []), *model.features))
    wanted = pa.schema([table.arrow_schema().field(name) for name in names])
    return pa.Table.from_pylist(
        [{**same, **values} for values in days], schema=pa.schema([f.with_nullable(True) for f in wanted])
    )


def _risk(fitted: Fitted, frame: pa.Table) -> list[float]:
    from models.score import score

    return [float("nan") if risk is None else float(risk) for risk in score(fitted, frame)["risk"].to_pylist()]


def _features(fitted: Fitted, both: pa.Table) -> pl.DataFrame:
    """One row a feature, strongest first: value, usual value and contribution, before and after."""
    from models.attribution import attribute

    told = pl.DataFrame(attribute(fitted, both)).select("feature", "value", "baseline", "contribution")
    width = told.height // 2
    before, after = (
        told.head(width),
        told.tail(width).select("feature", value_after="value", contribution_after="contribution"),
    )
    return before.join(after, on="feature", maintain_order="left")


def _curves(
    fitted: Fitted,
    row: Mapping[str, Any],
    values: Mapping[str, float],
    usual: Mapping[str, float],
    features: pl.DataFrame,
) -> pl.DataFrame:
    told = features.filter(pl.col("value").is_not_null(), pl.col("value") != pl.col("baseline"))
    strongest = told.sort("contribution")["feature"].head(SWEPT).to_list()
    points = [
        (name, float(x))
        for name in strongest
        for x in np.linspace(usual[name], values[name] + 0.5 * (values[name] - usual[name]), STEPS)
    ]
    frame = _frame(fitted, row, [{**values, name: x} for name, x in points])
    risks = _risk(fitted, frame) if points else []
    rows = [(name, x, values[name], risk) for (name, x), risk in zip(points, risks, strict=True)]
    schema = {"feature": pl.String, "value": pl.Float64, "value_of_day": pl.Float64, "risk_score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")
