"""The wrapper beside PyOD's own isolation forest on classical tables of anomaly detection.

In the manner of ADBench (Han et al. 2022): one class is ordinary, a few rows of another are the anomalies, no label is learned, ROC-AUC is
counted. Tables that scikit-learn ships: breast cancer (UCI, as in ADBench `wdbc`), digits (rows of one digit against a few of all
others; ADBench has `optdigits` by that recipe); and made clusters by PyOD's `generate_data`. With `beyond`, scaling and
trimming off, rows, seed and trees are PyOD's own, and so must the ranks be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from models.core import Fitted, Model
from models.score import score
from models.train import train
from pipelines.contracts import contract
from tests.models.days import FIRST

PLAIN = {"tail": "both", "scaling": "none", "trim": 0.0, "beyond": 0.0}
_NAMES = [f.name for f in contract("feat__user_day_profile").all_fields if f.dtype == "float64"]


def _of(values: np.ndarray, is_ordinary: np.ndarray, few: int) -> tuple[np.ndarray, np.ndarray]:
    """All ordinary rows and `few` others, shuffled; truth beside."""
    rng = np.random.default_rng(0)
    chosen = np.concatenate([np.flatnonzero(is_ordinary), rng.choice(np.flatnonzero(~is_ordinary), few, replace=False)])
    chosen = rng.permutation(chosen)
    return values[chosen].astype(np.float64), ~is_ordinary[chosen]


def _shipped(name: str, ordinary: int, few: int) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    def read() -> tuple[np.ndarray, np.ndarray]:
        import sklearn.datasets

        table = getattr(sklearn.datasets, f"load_{name}")()
        return _of(table.data, table.target == ordinary, few)

    return read


def _clusters() -> tuple[np.ndarray, np.ndarray]:
    from pyod.utils.data import generate_data

    values, _, truth, _ = generate_data(n_train=1_000, n_test=10, n_features=12, contamination=0.05, random_state=3)
    return values, truth.astype(bool)


TABLES = {
    "breast_cancer": _shipped("breast_cancer", 1, 20),
    "digits 0": _shipped("digits", 0, 15),
    "digits 4": _shipped("digits", 4, 15),
    "digits 6": _shipped("digits", 6, 15),
    "clusters": _clusters,
}


def _model(width: int, **changes: object) -> Model:
    base = Model(
        id="user_day", title="Plumbing", table="feat__user_day_profile", key=("event_date", "user_uid"),
        features=tuple(_NAMES[:width]), training_rows=100_000,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def _frame(values: np.ndarray, model: Model) -> pa.Table:
    who = pa.array([f"r{i}" for i in range(len(values))])
    days = pa.array(np.full(len(values), np.datetime64(FIRST)))
    return pa.table({"event_date": days, "user_uid": who, **dict(zip(model.features, values.T, strict=True))})


def _ours(values: np.ndarray, **changes: object) -> tuple[Fitted, np.ndarray]:
    width = min(values.shape[1], len(_NAMES))
    model = _model(width, **changes)
    frame = _frame(values[:, :width], model)
    fitted = train(model, frame, instance="adbench", as_of=FIRST + timedelta(days=1))
    return fitted, -score(fitted, frame)["depth"].to_numpy()


def _auc(truth: np.ndarray, strangeness: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, strangeness))


@pytest.fixture(scope="module")
def figures() -> dict[str, tuple[float, float, float]]:
    """Table -> area under the curve of the plain wrapper, of PyOD on the same rows, and of the wrapper as it is declared."""
    from pyod.models.iforest import IForest

    found = {}
    for name, read in TABLES.items():
        values, truth = read()
        values = values[:, : len(_NAMES)]
        theirs = IForest(n_estimators=100, max_samples=min(len(values), 256), random_state=1).fit(values)
        own = _auc(truth, _ours(values, seed=1, **PLAIN)[1])
        declared = _auc(truth, _ours(values, tail="both")[1])
        found[name] = (own, _auc(truth, theirs.decision_scores_), declared)
    return found


def test_mean_area_under_the_curve_equals_pyods_own(figures: dict[str, tuple[float, float, float]]) -> None:
    ours, theirs, _ = np.mean(list(figures.values()), axis=0)

    assert abs(ours - theirs) < 0.005, figures


def test_scaling_trimming_and_rows_beyond_cost_no_area(figures: dict[str, tuple[float, float, float]]) -> None:
    _, theirs, declared = np.mean(list(figures.values()), axis=0)

    assert declared > theirs - 0.02, figures


def test_on_the_same_rows_and_seed_paths_are_pyods_own_to_the_last_digit() -> None:
    from pyod.models.iforest import IForest

    from models.grow import flattened, usual_path
    from models.walk import depths

    values, _ = _clusters()
    rows = values.astype(np.float32)
    theirs = IForest(n_estimators=100, max_samples=256, random_state=1).fit(rows)

    mean_path = depths(flattened(theirs, None), rows)

    usual = float(usual_path(np.array([256]))[0])
    assert np.abs(2.0 ** (-mean_path / usual) + theirs.detector_.score_samples(rows)).max() < 1e-12


def test_the_second_opinion_ranks_as_pyods_ecod_does() -> None:
    from pyod.models.ecod import ECOD

    from models.opinion import learned
    from models.walk import surprises

    values, _ = _clusters()
    rows = values.astype(np.float32)
    opinion = learned(_model(12, tail="both"), rows)

    ours, theirs = surprises(opinion.knots, opinion.surprise, rows), ECOD().fit(rows).decision_scores_

    ranks = [np.argsort(np.argsort(values)) for values in (ours, theirs)]
    assert np.corrcoef(*ranks)[0, 1] > 0.9
