"""A million made user-days: mostly nought, some counts, long tails. Needs numpy only, so that another environment can make the same."""

from __future__ import annotations

import numpy as np

SEED = 20261126


def values(rows: int, features: int) -> np.ndarray:
    """float64, as a warehouse hands them over; the same for the same size."""
    rng = np.random.default_rng(SEED)
    out = np.empty((rows, features))
    for column in range(features):
        if column % 3 == 0:
            out[:, column] = rng.lognormal(sigma=1.0, size=rows)
        elif column % 3 == 1:
            out[:, column] = rng.normal(size=rows)
        else:
            out[:, column] = rng.poisson(0.4, rows) * rng.lognormal(size=rows)
    return out.round(4)
