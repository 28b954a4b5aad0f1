"""What verdicts do to the risk."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from models.calibrate import calibrate
from models.score import score
from pipelines.errors import UsageError
from tests.models.days import MODEL, days, fitted


def _verdicts(count: int, *, offset: float, weight: float) -> pa.Table:
    """Cases whose truth follows the risk's log odds, bent."""
    rng = np.random.default_rng(1)
    odds = rng.normal(0, 2, count)
    truth = rng.random(count) < 1 / (1 + np.exp(-(offset + weight * odds)))
    return pa.table({"risk": 100 / (1 + np.exp(-odds)), "is_true": truth})


def test_verdicts_make_risk_the_share_of_true_rows_and_keep_ranks() -> None:
    model = dataclasses.replace(fitted(), model=MODEL)

    bent = calibrate(model, _verdicts(4_000, offset=-1.5, weight=0.6))

    assert bent.calibration.offset == pytest.approx(-1.5, abs=0.15)
    assert bent.calibration.weight == pytest.approx(0.6, abs=0.08)
    before, after = (score(m, days(seed=3))["risk"].to_numpy() for m in (model, bent))
    assert (np.diff(after[np.argsort(before, kind="stable")]) > -1e-3).all()  # both are rounded


def test_calibrating_again_on_the_new_risk_changes_nothing() -> None:
    truth = _verdicts(3_000, offset=-1.0, weight=0.8)
    once = calibrate(fitted(), truth)
    odds = np.log(truth["risk"].to_numpy() / (100 - truth["risk"].to_numpy()))
    moved = 100 / (1 + np.exp(-(once.calibration.offset + once.calibration.weight * odds)))

    twice = calibrate(once, truth.set_column(0, "risk", pa.array(moved)))

    assert twice.calibration.offset == pytest.approx(once.calibration.offset, abs=0.02)
    assert twice.calibration.weight == pytest.approx(once.calibration.weight, abs=0.02)


def test_few_clear_cut_verdicts_cannot_bend_the_risk_to_infinity() -> None:
    bent = calibrate(fitted(), pa.table({"risk": [99.0, 98.0, 1.0, 2.0], "is_true": [True, True, False, False]}))
    upside_down = calibrate(
        fitted(), pa.table({"risk": [1.0, 2.0, 98.0, 99.0] * 50, "is_true": [True, True, False, False] * 50})
    )

    assert 0.5 < bent.calibration.weight < 3
    assert upside_down.calibration.weight == 0.05


def test_verdicts_of_one_kind_are_refused() -> None:
    with pytest.raises(UsageError, match="of one kind only"):
        calibrate(fitted(), pa.table({"risk": [90.0, 10.0], "is_true": [True, True]}))
