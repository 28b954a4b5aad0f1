"""Strangeness to share to risk: ranks are kept, shares are those of training, and no value leaves 0-100."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core import Calibration
from models.tail import percentile, risk, tail_of

TRAINED = np.random.default_rng(1).normal(size=5_000)
FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(learned=st.lists(FINITE, min_size=1, max_size=60), asked=st.lists(FINITE, min_size=2, max_size=40))
def test_stranger_is_never_less_risky_and_all_stay_between_0_and_100(learned: list[float], asked: list[float]) -> None:
    shares = tail_of(np.array(learned)).log_shares(np.sort(asked))

    found = risk(Calibration(), 0.005, shares)

    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 100)).all()
    assert (np.diff(percentile(shares)) >= 0).all()


def test_shares_are_those_of_the_training_rows() -> None:
    asked = np.quantile(TRAINED, [0.1, 0.5, 0.9, 0.99, 0.999])

    shares = np.exp(tail_of(TRAINED).log_shares(asked))

    assert np.allclose(shares, [0.9, 0.5, 0.1, 0.01, 0.001], rtol=0.25)


def test_beyond_the_strangest_training_row_the_share_falls_on() -> None:
    far = TRAINED.max() + np.array([0.0, 0.5, 1.0, 2.0])

    shares = tail_of(TRAINED).log_shares(far)

    assert (np.diff(shares) < -0.5).all()


def test_the_budgets_share_is_risk_50_and_a_calibration_moves_it() -> None:
    at_budget = np.log([0.005])

    assert risk(Calibration(), 0.005, at_budget).tolist() == [50.0]
    assert risk(Calibration(offset=-np.log(9.0)), 0.005, at_budget).tolist() == [10.0]
