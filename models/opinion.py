"""The second opinion: ECOD (Li et al. 2022) with the distribution of training frozen.

PyOD's ECOD sorts training and new rows together each time, so a row's score depends on its neighbours in the call and costs a
sort. Here the tail share of each feature is kept at a few values, dense where it is small. `max` of both sides' sums, as in ECOD; with
`tail="high"` only the upper side.
"""

from __future__ import annotations

import numpy as np

from models.core import Floats, Matrix, Model, Opinion
from models.tail import tail_of
from models.walk import surprises

_STEPS = 96


def learned(model: Model, values: Matrix) -> Opinion:
    """From training rows without NaN."""
    sides = (values,) if model.tail == "high" else (values, -values)
    found = [_side(side) for side in sides]
    knots, surprise = np.stack([k for k, _ in found]), np.stack([s for _, s in found])
    return Opinion(knots, surprise, tail_of(strangeness(knots, surprise, values)))


def strangeness(knots: Matrix, surprise: Floats, values: Matrix) -> Floats:
    """Summed surprise in nats; more is stranger."""
    upper = surprises(knots[0], surprise[0], values)
    return upper if len(knots) == 1 else np.maximum(upper, surprises(knots[1], surprise[1], -values))


def _side(values: Matrix) -> tuple[Matrix, Floats]:
    ordered = np.sort(values, axis=0)
    count = len(ordered)
    above = np.geomspace(count, 1, _STEPS).round().astype(np.int64)  # rows at or above the knot
    knots = ordered[count - above]
    reached = np.stack(
        [count - np.searchsorted(ordered[:, f], knots[:, f], side="left") for f in range(values.shape[1])]
    )
    return np.ascontiguousarray(knots.T), -np.log(reached / count)
