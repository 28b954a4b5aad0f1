"""Scaled training rows -> trees: PyOD grows them, we keep flat arrays with thresholds in the features' own units.

Scaling. A count of 4,000 beside days of 3 would stretch the range in which cuts fall, and most cuts would be wasted on it. So the
distance from the middle, in spreads, is laid on a logarithm before trees are grown. It is a rising function of the value, so a cut
there is a cut at one value here: thresholds are carried back, and no row ever has to be scaled to be scored.

Beyond. Cuts fall between values that training saw, so 4,000 files would look no stranger than the 60 of the busiest day. So a
few rows are added in which one feature is lifted to between once and twice its highest value on that logarithm: there is
room for cuts beyond, and whatever lies there is alone (decision 0092).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.core import Floats, Forest, Matrix, Model

_SPREADS = ((0.25, 0.75), (0.1, 0.9), (0.05, 0.95), (0.01, 0.99), (0.0, 1.0))
_REACH = 2.0  # times the highest value, on the logarithm


@dataclass(frozen=True, slots=True)
class Scaling:
    """Middle and spread of each feature; `tail` high folds everything below the middle onto it."""

    center: Floats
    spread: Floats
    tail: str

    def applied(self, values: Matrix) -> Floats:
        distance = (values.astype(np.float64) - self.center) / self.spread
        if self.tail == "high":
            return np.log1p(np.maximum(distance, 0.0))
        return np.asarray(np.sign(distance) * np.log1p(np.abs(distance)))

    def undone(self, feature: np.ndarray, threshold: Floats) -> Floats:
        distance = np.sign(threshold) * np.expm1(np.abs(threshold))
        return np.asarray(self.center[feature] + self.spread[feature] * distance)


def scaling_of(model: Model, values: Matrix) -> Scaling:
    """Of values without NaN: the median, and the narrowest of a few quantile ranges that is not nought: counts are mostly 0, and then the middle half says
    nothing. A feature that never varied has spread 1."""
    levels = np.array(_SPREADS)
    found = np.quantile(values, np.append(levels.ravel(), 0.5), axis=0).astype(np.float64)
    spread = np.zeros(values.shape[1])
    for low, high in zip(found[:-1:2], found[1::2], strict=True):
        spread = np.where(spread > 0, spread, high - low)
    center = found[-1]
    return Scaling(center, np.where(spread > 0, spread, 1.0), model.tail)


def grow(model: Model, values: Matrix, scaling: Scaling | None, *, threads: int = 1) -> Forest:
    """PyOD's isolation forest over `values` (no NaN). `scaling` None: as they are. The same for any number of threads."""
    from pyod.models.iforest import IForest

    rows = _with_beyond(model, values.astype(np.float64) if scaling is None else scaling.applied(values))
    grown = IForest(
        n_estimators=model.trees,
        max_samples=min(model.sample_size, len(rows)),
        random_state=model.seed,
        n_jobs=threads,
    ).fit(rows)
    return flattened(grown, scaling)


def _with_beyond(model: Model, rows: Floats) -> Floats:
    """`rows` and the lifted copies; with `tail="both"` as many are lowered under the lowest value. A feature that never varied is
    left alone: often it is one that nobody has a history for yet, and the first who has must not be strange for it."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    varied = np.flatnonzero(low < high)
    count = int(len(rows) * model.beyond) if len(varied) else 0
    if not count:
        return rows
    rng = np.random.default_rng(model.seed)
    lifted = rows[rng.choice(len(rows), count, replace=False)]
    which, far = varied[rng.integers(0, len(varied), count)], rng.uniform(1.0, _REACH, count)
    edge = high[which]
    if model.tail == "both":
        edge = np.where(rng.random(count) < 0.5, low[which], edge)
    lifted[np.arange(count), which] = edge * far
    return np.concatenate([rows, lifted])


def flattened(grown: Any, scaling: Scaling | None) -> Forest:
    """The arrays of a fitted PyOD or scikit-learn forest, thresholds carried back through `scaling`."""
    trees = zip((one.tree_ for one in grown.estimators_), grown.estimators_features_, strict=True)
    roots, features, thresholds, children, rows, paths = [], [], [], [], [], []
    start = 0
    for tree, chosen in trees:
        count = tree.node_count
        own = np.arange(count)
        is_leaf = tree.children_left < 0
        feature = np.where(is_leaf, 0, chosen[np.maximum(tree.feature, 0)])
        threshold = tree.threshold if scaling is None else scaling.undone(feature, tree.threshold)
        pair = np.stack([tree.children_left, tree.children_right], axis=1)
        pair = np.where(is_leaf[:, None], own[:, None], pair)
        held = tree.n_node_samples
        roots.append(start)
        features.append(feature)
        thresholds.append(np.where(is_leaf, 0.0, threshold))
        children.append(pair + start)
        rows.append(held)
        paths.append(_levels(pair) + usual_path(held))
        start += count
    return Forest(
        roots=np.array(roots, dtype=np.int32),
        feature=np.concatenate(features).astype(np.int32),
        threshold=_rounded_down(np.concatenate(thresholds)),
        children=np.concatenate(children).astype(np.int32),
        rows=np.concatenate(rows).astype(np.int32),
        depth=np.concatenate(paths).astype(np.float64),
    )


def _levels(pair: np.ndarray) -> Floats:
    """Depth of each node of one tree; parents come first."""
    level = np.zeros(len(pair))
    for node, (left, right) in enumerate(pair.tolist()):
        if left != node:
            level[left] = level[right] = level[node] + 1.0
    return level


def usual_path(rows: np.ndarray) -> Floats:
    """Mean path of an unsuccessful search among so many rows (Liu, Ting, Zhou 2008): what a leaf's rows would still need."""
    count = np.asarray(rows, dtype=np.float64)
    many = np.maximum(count, 3.0)
    path = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, path))


def _rounded_down(threshold: Floats) -> Matrix:
    """The greatest float32 not above: a float32 value is <= it exactly where it is <= the float64 threshold."""
    near = threshold.astype(np.float32)
    return np.where(near.astype(np.float64) > threshold, np.nextafter(near, np.float32(-np.inf)), near).astype(
        np.float32
    )
