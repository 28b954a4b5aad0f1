"""Risk from analysts' verdicts: two numbers, fitted on closed alerts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.core import Calibration, Fitted, Floats
from models.matrix import numbers
from pipelines.errors import UsageError

LEAST_WEIGHT = 0.05  # more risk stays more risk, whatever a handful of verdicts says
_PRIOR = 1.0  # how firmly the weight is held near 1: as one verdict would


def calibrate(fitted: Fitted, labelled: pa.Table) -> Fitted:
    """`fitted` with offset and weight that make risk/100 the share of true rows: `labelled` holds `risk` as `fitted` scored it and the
    bool `is_true`; nulls are left out. Both a true and an untrue row are needed, else `UsageError`. Ranks do not change.

    Logistic regression on the log odds of the risk (Platt 1999), the weight held near 1, so that few or clear-cut verdicts cannot
    bend it to infinity. Verdicts exist for alerts only: give untrue rows also from days that nobody was alerted to.
    """
    labelled = labelled.select(["risk", "is_true"]).drop_null()
    truth = numbers(pc.cast(labelled["is_true"], pa.int8()))
    if not 0 < truth.sum() < len(truth):
        raise UsageError(
            "verdicts of one kind only calibrate nothing", remedy="close alerts both as true and as false first"
        )
    share = np.clip(numbers(labelled["risk"]) / 100.0, 1e-6, 1 - 1e-6)
    offset, weight = _fitted(np.log(share / (1.0 - share)), truth)
    before = fitted.calibration
    after = Calibration(offset + weight * before.offset, weight * before.weight)
    return dataclasses.replace(fitted, calibration=after)


def _fitted(odds: Floats, truth: Floats) -> tuple[float, float]:
    """Newton's steps on the penalised likelihood, which is concave: they end where the gradient is nought."""
    at = np.array([0.0, 1.0])
    design = np.stack([np.ones_like(odds), odds], axis=1)
    hold = np.diag([1e-3, _PRIOR])
    for _ in range(100):
        guess = 1.0 / (1.0 + np.exp(-design @ at))
        slope = design.T @ (truth - guess) - hold @ (at - [0.0, 1.0])
        bend = (design * (guess * (1.0 - guess))[:, None]).T @ design + hold
        step = np.linalg.solve(bend, slope)
        step *= min(1.0, 2.0 / float(np.abs(step).max() or 1.0))  # far steps overshoot where the curve is flat
        at = at + step
        if np.abs(step).max() < 1e-10:
            break
    return float(at[0]), max(float(at[1]), LEAST_WEIGHT)
