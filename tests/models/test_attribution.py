"""Attributions: they sum to the path, agree with the definition by brute force, and name what was planted."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pyarrow.compute as pc
import pytest

from models.attribution import attribute
from models.core import Forest
from models.grow import grow, scaling_of
from models.score import score
from models.shapley import expected_path, shapley
from models.walk import depths
from tests.models.days import MODEL, changed, days, fitted


def _by_definition(forest: Forest, row: np.ndarray) -> np.ndarray:
    """Shapley's formula over all coalitions of features, one tree walk each."""
    width = len(row)

    def path(node: int, coalition: frozenset[int]) -> float:
        left, right = forest.children[node]
        if left == node:
            return float(forest.depth[node])
        feature = int(forest.feature[node])
        if feature in coalition:
            return path(left if row[feature] <= forest.threshold[node] else right, coalition)
        share = forest.rows[left] / forest.rows[node]
        return float(share * path(left, coalition) + (1 - share) * path(right, coalition))

    def worth(coalition: frozenset[int]) -> float:
        return sum(path(root, coalition) for root in forest.roots.tolist()) / forest.trees

    found = np.zeros(width)
    for feature in range(width):
        others = [f for f in range(width) if f != feature]
        for size in range(width):
            weight = factorial(size) * factorial(width - size - 1) / factorial(width)
            for chosen in combinations(others, size):
                found[feature] += weight * (worth(frozenset({*chosen, feature})) - worth(frozenset(chosen)))
    return found


@pytest.fixture(scope="module")
def small() -> tuple[Forest, np.ndarray]:
    values = np.random.default_rng(5).lognormal(size=(400, 4)).astype(np.float32)
    return grow(MODEL, values, scaling_of(MODEL, values)), values


def test_values_are_those_of_shapleys_formula(small: tuple[Forest, np.ndarray]) -> None:
    forest, values = small
    few = Forest(*(getattr(forest, name) for name in forest.__slots__))

    found, _ = shapley(few, values[:3])

    for row, contributions in zip(values[:3], found, strict=True):
        assert np.abs(_by_definition(few, row) - contributions).max() < 1e-9


def test_values_and_the_expected_path_sum_to_the_path(small: tuple[Forest, np.ndarray]) -> None:
    forest, values = small

    found, expected = shapley(forest, values)

    assert expected == expected_path(forest)
    assert np.abs(found.sum(axis=1) + expected - depths(forest, values)).max() < 1e-9


def test_contributions_of_a_row_sum_to_its_scored_depth_in_any_group_and_view() -> None:
    rows = days(seed=6, departments=4).slice(0, 500)
    depth = score(fitted(), rows)["depth"].to_numpy()

    told = attribute(fitted(), rows)

    sums = told["contribution"].to_numpy().reshape(500, -1).sum(axis=1)
    expected = told["expected_depth"].to_numpy().reshape(500, -1)[:, 0]
    assert np.abs(sums + expected - depth).max() < 1e-6


def test_the_planted_feature_comes_first_with_its_value_the_usual_one_and_a_shortened_path() -> None:
    row = changed(days().slice(0, 1), travel_km=9_000.0)

    first = attribute(fitted(), row).slice(0, 1).to_pylist()[0]

    assert (first["feature"], first["value"], first["baseline"]) == ("travel_km", 9_000.0, 0.0)
    assert first["contribution"] < -0.3


def test_an_unknown_value_is_told_as_null_and_sorted_with_the_others() -> None:
    told = attribute(fitted(), changed(days().slice(0, 1), files=float("nan")))

    assert told.filter(pc.equal(told["feature"], "files"))["value"].to_pylist() == [None]
    size = np.abs(told["contribution"].to_numpy())
    assert (np.diff(size) <= 0).all()


def test_no_row_gives_no_attribution() -> None:
    assert attribute(fitted(), days().slice(0, 0)).num_rows == 0
