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
    threshold: float
    goes_right: bool
    bit: int
    is_new: bool  # the first cut on this feature on the way
    features: tuple[int, ...]  # on the way, in the order of bits
    leaf: int  # number of the leaf below, -1 where there is none


def shapley(forest: Forest, values: Matrix) -> tuple[Floats, float]:
    """Contributions (rows x features, in cuts) and the expected path: a row's contributions sum to its path less the expected one.
    `values` holds no NaN. Memory beyond the result is bounded."""
    columns = np.ascontiguousarray(values.T)
    out = np.zeros(columns.shape)
    for root in forest.roots.tolist():
        cuts, tables = _tree(forest, root)
        for rows in chunks(columns.shape[1], _BLOCK):
            _add(cuts, tables, columns[:, rows], out[:, rows])
    out /= forest.trees
    return np.ascontiguousarray(out.T), expected_path(forest)


def expected_path(forest: Forest) -> float:
    """Mean path over the training rows of the trees."""
    own = np.arange(len(forest.feature))
    tree = np.searchsorted(forest.roots, own, side="right") - 1
    share = forest.rows / forest.rows[forest.roots][tree]
    return float((share * forest.depth)[forest.children[:, 0] == own].sum() / forest.trees)


def _add(cuts: list[_Cut], tables: list[Floats], columns: Matrix, out: Floats) -> None:
    """One tree's contributions for a block of rows. `masks` holds one mask a level: cuts come parents first, depth first."""
    count = columns.shape[1]
    masks = np.zeros((1 + max((cut.level for cut in cuts), default=0), count), dtype=np.int64)
    picked = np.empty(count)
    for cut in cuts:
        above, mask = masks[cut.level - 1], masks[cut.level]
        kept = (columns[cut.feature] <= np.float32(cut.threshold)) != cut.goes_right
        if cut.is_new:
            np.multiply(kept, 1 << cut.bit, out=mask)
            np.bitwise_or(mask, above, out=mask)
        else:
            np.multiply(~kept, 1 << cut.bit, out=mask)
            np.bitwise_and(np.invert(mask, out=mask), above, out=mask)
        if cut.leaf >= 0:
            for answers, feature in zip(tables[cut.leaf], cut.features, strict=True):
                answers.take(mask, out=picked, mode="clip")  # masks are in range; `clip` spares the check
                out[feature] += picked


def _tree(forest: Forest, root: int) -> tuple[list[_Cut], list[Floats]]:
    """Edges of one tree, and for each of its leaves the table: features on the way x masks."""
    end = int(np.append(forest.roots, len(forest.feature))[np.searchsorted(forest.roots, root, side="right")])
    children, rows = (forest.children[root:end] - root).tolist(), forest.rows[root:end].tolist()
    features, thresholds = forest.feature[root:end].tolist(), forest.threshold[root:end].tolist()
    cuts: list[_Cut] = []
    leaves: list[tuple[int, list[float]]] = []
    stack = _deeper(children, 0, 1, {})
    while stack:
        node, parent, goes_right, level, path = stack.pop()
        feature = features[parent]
        bit, share = path.get(feature, (len(path), 1.0))
        below = {**path, feature: (bit, share * rows[node] / rows[parent])}
        deeper = _deeper(children, node, level + 1, below)
        leaf = -1 if deeper else len(leaves)
        if not deeper:
            leaves.append((root + node, [share for _, share in below.values()]))
        cuts.append(_Cut(level, feature, thresholds[parent], goes_right, bit, feature not in path, tuple(below), leaf))
        stack += deeper
    return cuts, _tables(forest, leaves)


_Path = dict[int, tuple[int, float]]


def _deeper(children: list[list[int]], node: int, level: int, path: _Path) -> list[tuple[int, int, bool, int, _Path]]:
    left, right = children[node]
    return [] if left == node else [(left, node, False, level, path), (right, node, True, level, path)]


def _tables(forest: Forest, leaves: list[tuple[int, list[float]]]) -> list[Floats]:
    """Contribution of each feature on the way to each leaf, for every mask of features that a row satisfies."""
    found: list[Floats] = [_NONE] * len(leaves)
    for width in {len(shares) for _, shares in leaves}:
        mine = [number for number, (_, shares) in enumerate(leaves) if len(shares) == width]
        bits, points, weights = _grid(width)
        r = np.array([leaves[number][1] for number in mine])[:, None, :]  # leaves x 1 x features
        integral = np.zeros((len(mine), len(bits), width))
        for point, weight in zip(points, weights, strict=True):
            factors = point * bits + (1.0 - point) * r  # leaves x masks x features, never 0
            integral += weight * factors.prod(axis=2, keepdims=True) / factors
        paths = forest.depth[[leaves[number][0] for number in mine]]
        tables = np.ascontiguousarray((paths[:, None, None] * (bits - r) * integral).transpose(0, 2, 1))
        for number, table in zip(mine, tables, strict=True):
            found[number] = table
    return found


_NONE: Floats = np.zeros((0, 1))


@cache
def _grid(features: int) -> tuple[Floats, Floats, Floats]:
    """Bits of every mask, and the points and weights of Gauss-Legendre on 0..1."""
    bits = (np.arange(1 << features)[:, None] >> np.arange(features)) & 1
    points, weights = np.polynomial.legendre.leggauss((features + 1) // 2)
    return bits.astype(np.float64), (points + 1.0) / 2.0, weights / 2.0
