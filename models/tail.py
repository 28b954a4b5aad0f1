"""Strangeness -> how often training was at least so strange -> risk. No label is needed, and ranks are kept."""

from __future__ import annotations

import numpy as np

from models.core import Calibration, Floats, Tail

_KNOTS = 256
_FAR = 0.02  # the strangest share of training rows, from which the fall beyond the strangest is read


def tail_of(strangeness: Floats) -> Tail:
    """Knots dense where it matters: equally many for each factor of the share. Beyond the strangest row the share falls
    exponentially, with the mean excess of the strangest fiftieth (the usual tail of a bounded mean of many trees)."""
    ordered = np.sort(strangeness.astype(np.float64))
    count = len(ordered)
    above = np.unique(np.geomspace(1, count, _KNOTS).round().astype(np.int64))[::-1]  # rows at or above the knot
    knots = np.unique(ordered[count - above])
    reached = count - np.searchsorted(ordered, knots, side="left")
    far = ordered[-max(2, int(count * _FAR)) :]
    excess = float(np.mean(far - far[0]))
    slope = 1.0 / max(excess, 1e-6)
    return Tail(knots, np.log(reached / (count + 1.0)), slope)


def risk(calibration: Calibration, budget_share: float, log_share: Floats) -> Floats:
    """0-100 to four places. The odds of a row are budget : share, bent by the two numbers of the calibration."""
    odds = calibration.offset + calibration.weight * (np.log(budget_share) - log_share)
    return np.asarray(np.round(100.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0))), 4), dtype=np.float64)


def percentile(log_share: Floats) -> Floats:
    """Share of training rows that were less strange, in percent, to six places."""
    return np.asarray(np.round(-100.0 * np.expm1(np.minimum(log_share, 0.0)), 6), dtype=np.float64)
