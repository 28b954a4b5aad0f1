"""Exact Shapley values of an isolation forest: what each feature did to a row's mean path.

The game is that of path-dependent TreeSHAP (Lundberg et al. 2020): a feature outside the coalition sends the row to both children, by
their shares of training rows. A leaf adds its path times, for each feature on the way, 1 or 0 (in the coalition: does the row
keep all its cuts) or the share r that keeps them (outside). So a leaf's values depend only on which of its d features the row
satisfies: there are at most 2^d answers, and d <= 8 at 256 rows a tree. They are tabled once a leaf, and a row costs one look-up
per leaf and feature, in whole columns of rows. The tables hold

    phi_i = path * (x_i - r_i) * integral over t in 0..1 of prod_{j != i} (t x_j + (1 - t) r_j)

which Gauss-Legendre with ceil(d / 2) points integrates without error (a polynomial of degree d - 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from models.core import Floats, Forest, Matrix
from models.matrix import chunks

_BLOCK = 4_096  # rows whose columns stay in the processor's cache while all leaves pass


@dataclass(frozen=True, slots=True)
class _Cut:
    """One edge of a tree. Bit `bit` of a row's mask says that the row kept all cuts on `feature` so far."""

    level: int
    feature: int
    threshold: np.float32
    goes_right: bool
    bit: int
    is_new: bool  # the first cut on this feature on the way
    features: tuple[int, ...]  # on the way, in the order of bits
    table: Floats | None  # of the leaf below: features on the way x masks


def shapley(forest: Forest, values: Matrix) -> tuple[Floats, float]:
    """Contributions (rows x features, in cuts) and the expected path: a row's contributions sum to its path less the expected one.
    `values` holds no NaN. Memory beyond the result is bounded."""
    columns = np.ascontiguousarray(values.T)
    out = np.zeros(columns.shape)
    for root in forest.roots.tolist():
        cuts = _cuts(forest, root)
        for rows in chunks(columns.shape[1], _BLOCK):
            _add(cuts, columns[:, rows], out[:, rows])
    out /= forest.trees
    return np.ascontiguousarray(out.T), expected_path(forest)


def expected_path(forest: Forest) -> float:
    """Mean path over the training rows of the trees."""
    own = np.arange(len(forest.feature))
    tree = np.searchsorted(forest.roots, own, side="right") - 1
    share = forest.rows / forest.rows[forest.roots][tree]
    return float((share * forest.depth)[forest.children[:, 0] == own].sum() / forest.trees)


def _add(cuts: list[_Cut], columns: Matrix, out: Floats) -> None:
    """One tree's contributions for a block of rows. `masks` holds one mask a level: cuts come parents first, depth first."""
    count = columns.shape[1]
    masks = np.zeros((1 + max((cut.level for cut in cuts), default=0), count), dtype=np.int64)
    picked = np.empty(count)
    for cut in cuts:
        above, mask = masks[cut.level - 1], masks[cut.level]
        kept = (columns[cut.feature] <= cut.threshold) != cut.goes_right
        if cut.is_new:
            np.multiply(kept, 1 << cut.bit, out=mask)
            np.bitwise_or(mask, above, out=mask)
        else:
            np.multiply(~kept, 1 << cut.bit, out=mask)
            np.bitwise_and(np.invert(mask, out=mask), above, out=mask)
        if cut.table is not None:
            for answers, feature in zip(cut.table, cut.features, strict=True):
                np.take(answers, mask, out=picked, mode="clip")  # masks are in range; `clip` spares the check
                out[feature] += picked


def _cuts(forest: Forest, root: int) -> list[_Cut]:
    found: list[_Cut] = []
    stack = [(child, side == 1, 1, root, _NOTHING) for side, child in _children(forest, root)]
    while stack:
        node, goes_right, level, parent, path = stack.pop()
        feature = int(forest.feature[parent])
        bit, share = path.get(feature, (len(path), 1.0))
        below = {**path, feature: (bit, share * float(forest.rows[node] / forest.rows[parent]))}
        deeper = _children(forest, node)
        table = None if deeper else _table(tuple(r for _, r in below.values()), float(forest.depth[node]))
        threshold = forest.threshold[parent]
        found.append(_Cut(level, feature, threshold, goes_right, bit, feature not in path, tuple(below), table))
        stack += [(child, side == 1, level + 1, node, below) for side, child in deeper]
    return found


_NOTHING: dict[int, tuple[int, float]] = {}


def _children(forest: Forest, node: int) -> list[tuple[int, int]]:
    pair = forest.children[node].tolist()
    return [] if pair[0] == node else list(enumerate(pair))


def _table(shares: tuple[float, ...], path: float) -> Floats:
    """Contribution of each feature on the way to a leaf, for every mask of features that a row satisfies."""
    bits, points, weights = _grid(len(shares))
    r = np.array(shares)
    factors = points[:, None, None] * bits + (1.0 - points)[:, None, None] * r  # points x masks x features, never 0
    others = factors.prod(axis=2, keepdims=True) / factors
    integral = np.tensordot(weights, others, axes=1)
    return np.ascontiguousarray((path * (bits - r) * integral).T)


@cache
def _grid(features: int) -> tuple[Floats, Floats, Floats]:
    """Bits of every mask, and the points and weights of Gauss-Legendre on 0..1."""
    bits = (np.arange(1 << features)[:, None] >> np.arange(features)) & 1
    points, weights = np.polynomial.legendre.leggauss((features + 1) // 2)
    return bits.astype(np.float64), (points + 1.0) / 2.0, weights / 2.0
