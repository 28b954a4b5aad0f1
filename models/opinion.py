"""The second opinion: ECOD (Li et al. 2022) with the distribution of training frozen.

PyOD's ECOD sorts training and new rows together each time, so a row's score depends on its neighbours in the call and costs a
sort. Here the tail share of each feature is kept at a few values, dense where it is small. As in PyOD the rarer side of
each feature counts; with `tail="high"` only the upper side.
"""

from __future__ import annotations

import numpy as np

from models.core import Floats, Matrix, Model, Opinion
from models.tail import tail_of
from models.walk import surprises

STEPS = 63  # 2^n - 1: a search of n steps finds the last one reached


def learned(model: Model, values: Matrix) -> Opinion:
    """From training rows without NaN."""
    sides = (values,) if model.tail == "high" else (values, -values)
    found = [_side(side) for side in sides]
    knots, surprise = np.stack([k for k, _ in found]), np.stack([s for _, s in found])
    return Opinion(knots, surprise, tail_of(surprises(knots, surprise, values)))


def _side(values: Matrix) -> tuple[Matrix, Floats]:
    ordered = np.sort(values, axis=0)
    count = len(ordered)
    above = np.geomspace(count, 1, STEPS).round().astype(np.int64)  # rows at or above the knot
    knots = ordered[count - above]
    reached = np.stack(
        [count - np.searchsorted(ordered[:, f], knots[:, f], side="left") for f in range(values.shape[1])]
    )
    return np.ascontiguousarray(knots.T), -np.log(reached / count)
