"""Challenger against champion, and drift of the features."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from models.compare import compare, injected
from models.drift import drift
from models.train import train
from tests.models.days import FIRST, MODEL, changed, days, fitted

AS_OF = FIRST + timedelta(days=39)


def test_another_seed_on_the_same_rows_is_promoted() -> None:
    challenger = train(dataclasses.replace(MODEL, seed=7), days(), instance="acme", as_of=AS_OF)

    found = compare(challenger, fitted(), days(seed=2))

    assert found.promotes, found
    assert found.rank_correlation > 0.8
    assert found.injected_recall > 0.6


def test_the_champion_against_itself_agrees_wholly() -> None:
    found = compare(fitted(), fitted(), days(seed=2))

    assert (found.rank_correlation, found.top_overlap) == (pytest.approx(1.0), 1.0)


def test_a_challenger_that_learned_bulk_downloads_as_usual_is_not_promoted() -> None:
    rng = np.random.default_rng(1)
    rows = days()
    loud = {name: (rng.pareto(0.7, rows.num_rows) * 1_000).tolist() for name in MODEL.features}
    challenger = train(MODEL, changed(rows, **loud), instance="acme", as_of=AS_OF)

    found = compare(challenger, fitted(), days(seed=2))

    assert not found.promotes
    assert any("ranks differ" in text or "injected" in text or "other rows" in text for text in found.objections)


def test_a_challenger_that_floods_the_desk_is_not_promoted() -> None:
    found = compare(fitted(), fitted(), changed(days(seed=2), files=300.0, bytes_out=9e9))

    assert any("times what the budget allows" in text for text in found.objections)


def test_without_a_champion_only_budget_and_injected_anomalies_are_asked() -> None:
    found = compare(fitted(), None, days(seed=2))

    assert found.promotes
    assert np.isnan(found.rank_correlation)


def test_injected_rows_are_the_same_each_time_and_beyond_the_highest_values_that_training_saw() -> None:
    one, other = injected(fitted(), days(seed=2)), injected(fitted(), days(seed=2))

    assert one.equals(other)
    assert max(one["travel_km"].to_pylist()) == 450.0


def test_injected_rows_raise_what_moves_together() -> None:
    rows = days(seed=2)
    twins = changed(rows, bytes_out=(rows["files"].to_numpy() * 1000.0).tolist())
    fit = train(MODEL, twins, instance="acme", as_of=AS_OF)

    strange = injected(fit, twins)

    files, moved = (np.asarray(strange[name].to_numpy(), dtype=float) for name in ("files", "bytes_out"))
    beyond = files > np.max(twins["files"].to_numpy())
    assert beyond.any()
    assert (moved[beyond] > np.max(twins["bytes_out"].to_numpy())).all()


def test_a_model_that_misses_what_was_injected_is_no_champion_also_where_none_was_before() -> None:
    one_feature = dataclasses.replace(MODEL, features=("travel_km",))
    flat = changed(days(), travel_km=0.0)  # it learns from rows that never vary, and no cut can be made
    blind = train(one_feature, flat, instance="acme", as_of=AS_OF)

    found = compare(blind, None, changed(days(seed=2), travel_km=0.0))

    assert any("less than 25%" in text for text in found.objections), found


def test_a_feature_that_moved_is_shifted_and_the_others_are_stable() -> None:
    moved = changed(days(people=200, seed=4), records=(days(people=200, seed=4)["records"].to_numpy() * 2).tolist())

    told = {(row["group"], row["feature"]): row for row in drift(fitted(), moved).to_pylist()}

    assert told["organisation", "records"]["level"] == "shifted"
    assert told["organisation", "tables"]["level"] == "stable"
    assert told["organisation", "tables"]["rows"] == 8_000


def test_new_days_of_the_same_kind_do_not_drift() -> None:
    told = drift(fitted(), days(people=60, seed=1))

    assert set(told["level"].to_pylist()) == {"stable"}


def test_unknown_values_are_told_and_left_out_of_the_index() -> None:
    rows = days()
    half = changed(rows, files=[None if i % 2 else v for i, v in enumerate(rows["files"].to_pylist())])

    told = drift(fitted(), half).to_pylist()[0]

    assert (told["feature"], told["unknown_share"], told["level"]) == ("files", 0.5, "stable")


def test_no_rows_give_no_drift_for_groups_and_none_for_the_organisation() -> None:
    assert drift(fitted(), days().slice(0, 0)).num_rows == 0
    assert isinstance(drift(fitted(), days()), pa.Table)
