"""Scores, effects, drift and what-if over what a run published, with the model that scored it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.analysis import (
    Warehouse,
    attributions,
    drift,
    feature_effects,
    fitted_models,
    open_warehouse,
    precision_at_budget,
    score_distribution,
    scores,
    stability,
    what_if,
)  # fmt: skip
from pipelines.analysis.what_if import model_folder
from pipelines.contracts import contract
from pipelines.errors import NowguardError, StorageError
from tests.analysis.conftest import DAYS, STRANGE

PLANTED = next(iter(STRANGE))


def strangest(house: Warehouse) -> pl.DataFrame:
    return scores(warehouse=house).head(1)


def test_scores_come_strangest_first_with_the_alerts_of_the_day(house: Warehouse) -> None:
    frame = scores(warehouse=house)

    assert frame.select("actor_user_name", "event_date", "alert_count", "verdict").row(0) == ("ann", DAYS[4], 1, None)
    assert frame["risk_score"].is_sorted(descending=True)
    assert scores(user="bea", first=DAYS[2], last=DAYS[3], warehouse=house).height == 2
    assert score_distribution(warehouse=house)["user_days"].sum() == frame.height == 40 * 5


def test_the_planted_features_drive_the_strangest_day_and_effects_are_told_with_their_unit(house: Warehouse) -> None:
    effects = feature_effects(warehouse=house)
    told = attributions(warehouse=house).filter(pl.col("actor_user_uid") == "u1", pl.col("event_date") == DAYS[4])

    assert set(told.sort("contribution")["feature"].head(3)) == set(STRANGE)
    assert effects["mean_effect"].is_sorted(descending=True)
    assert effects["first_reason_share"].sum() == pytest.approx(1.0)
    assert effects.filter(pl.col("feature") == PLANTED)["unit"].to_list() == [
        contract("feat__user_day_profile")[PLANTED].unit
    ]
    assert "" not in effects["meaning"].to_list()


def test_a_day_without_what_made_it_strange_scores_lower_and_with_nothing_changed_as_before(house: Warehouse) -> None:
    day = strangest(house)

    same, ordinary = what_if(day, warehouse=house), what_if(day, warehouse=house, **dict.fromkeys(STRANGE, "usual"))

    assert same.before == same.after == ordinary.before == pytest.approx(day["risk_score"][0])
    assert ordinary.after < ordinary.before - 20
    assert set(ordinary.changes) == set(STRANGE)
    assert set(same.curves["feature"]) == set(STRANGE)
    assert (
        same.curves.filter(pl.col("value") == pl.col("value").min().over("feature"))["risk_score"].max() < same.before
    )


def test_contributions_before_and_after_are_those_of_the_published_day(house: Warehouse) -> None:
    found = what_if(("ann", DAYS[4]), warehouse=house, **{PLANTED: 0.0})
    told = attributions(warehouse=house).filter(pl.col("actor_user_uid") == "u1", pl.col("event_date") == DAYS[4])

    both = found.features.join(told.select("feature", published="contribution"), on="feature")
    assert both.height == told.height
    assert (both["contribution"] - both["published"]).abs().max() < 1e-9
    changed = found.features.filter(pl.col("feature") == PLANTED)
    assert changed["contribution_after"][0] > changed["contribution"][0]


def test_precision_says_that_nothing_was_judged_where_no_alert_is_closed(house: Warehouse) -> None:
    precision = precision_at_budget(warehouse=house)

    assert precision["user_days"].is_sorted()
    assert precision["judged"].sum() == 0
    assert precision["precision"].is_null().all()


def test_stability_and_drift_have_a_row_a_day_and_feature(house: Warehouse) -> None:
    assert stability(warehouse=house)["event_date"].to_list() == DAYS[1:]
    moved = drift(warehouse=house)
    assert moved.height == 5 * moved["feature"].n_unique()
    assert set(moved["level"]) <= {"stable", "moderate", "shifted"}
    assert fitted_models(warehouse=house)["role"].to_list() == ["champion"]


@pytest.mark.parametrize(
    ("ask", "cause", "remedy"),
    [
        (lambda h: scores(model="nonsense", warehouse=h), "no model nonsense", "user_day"),
        (lambda h: what_if(strangest(h), warehouse=h, nonsense=1.0), "no feature nonsense", PLANTED),
        (lambda h: what_if(scores(warehouse=h), warehouse=h), "has 200 user-days", "head\\(1\\)"),
        (lambda h: what_if(scores(warehouse=h).tail(1), warehouse=h), "too ordinary", "percentile of 95"),
        (lambda h: what_if(("nobody", DAYS[4]), warehouse=h), "no model scored this person", "scores\\(\\)"),
    ],
)
def test_a_mistake_is_explained_with_its_remedy(
    house: Warehouse, ask: Callable[[Warehouse], object], cause: str, remedy: str
) -> None:
    with pytest.raises(NowguardError, match=cause) as caught:
        ask(house)
    assert re.search(remedy, caught.value.remedy)


@pytest.mark.parametrize("ask", [scores, feature_effects, drift, stability, precision_at_budget])
def test_without_a_model_the_remedy_is_to_train(untrained: Warehouse, ask: Callable[..., object]) -> None:
    with pytest.raises(NowguardError, match="no model has scored") as caught:
        ask(warehouse=untrained)
    assert "nowguard model train" in caught.value.remedy


def test_a_model_that_is_gone_or_another_is_refused(published: Path, tmp_path: Path) -> None:
    house = open_warehouse(shutil.copytree(published, tmp_path / "data"))
    folder = model_folder(house, strangest(house).row(0, named=True))
    text = (folder / "manifest.json").read_text(encoding="utf-8")

    (folder / "manifest.json").write_text(text.replace('"fingerprint": "', '"fingerprint": "0'), encoding="utf-8")
    with pytest.raises(StorageError, match="another model"):
        what_if(strangest(house), warehouse=house)
    shutil.rmtree(folder)
    with pytest.raises(StorageError, match="is not in"):
        what_if(strangest(house), warehouse=house)
