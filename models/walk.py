"""Rows through the trees: compiled loops over the flat arrays.

Compiled at first use (a second or so) and never cached on disk, so that a read-only installation works and no cache file is trusted.
Each row is one sum over the trees in their order: neither threads nor chunks change a bit of it. The loops release the interpreter
lock; six rows walk side by side because each step waits for the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from models.core import Floats, Forest, Matrix
from models.matrix import chunks

_BLOCK = 1_024  # rows whose values stay in the processor's cache while all trees pass


def depths(forest: Forest, values: Matrix, *, threads: int = 1) -> Floats:
    """Mean path of each row, in cuts. `values` holds no NaN."""
    out = np.zeros(len(values), dtype=np.float64)
    steps = longest_path(forest)
    roots, feature, children = (a.view(np.uint32) for a in (forest.roots, forest.feature, forest.children))

    def block(rows: slice) -> None:
        _walk()(values[rows], roots, feature, forest.threshold, children, forest.depth, steps, out[rows])

    _each(block, [*chunks(len(values), _BLOCK)], threads)
    out /= forest.trees
    return out


def surprises(knots: Matrix, surprise: Floats, values: Matrix) -> Floats:
    """Sum over features of the surprise at the last knot that the value reaches, nought below the first; of two sides the greater.
    2^n - 1 knots a feature and side."""
    out = np.zeros(len(values), dtype=np.float64)
    _look_up()(values, knots, surprise, out)
    return out


def longest_path(forest: Forest) -> int:
    """Steps from a root to the farthest leaf. Children lie behind their parent, so this ends."""
    reached = forest.roots
    steps = 0
    while True:
        inner = reached[forest.children[reached, 0] != reached]
        if not len(inner):
            return steps
        reached = forest.children[inner].ravel()
        steps += 1


def _each(work: Callable[[slice], None], parts: list[slice], threads: int) -> None:
    if threads <= 1 or len(parts) == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))


@cache
def _walk() -> Any:
    """Positions are unsigned: numba asks of a signed one at each step whether it counts from the end."""
    from numba import float32, float64, njit, types, uint32, uint64, void

    def walk(values, roots, feature, threshold, children, depth, steps, out):  # type: ignore[no-untyped-def]
        count = values.shape[0]
        for root in roots:
            for r in range(0, count - 5, 6):
                a = b = c = d = e = f = root
                for _ in range(steps):
                    a = children[a, np.uint32(values[r, feature[a]] > threshold[a])]
                    b = children[b, np.uint32(values[r + 1, feature[b]] > threshold[b])]
                    c = children[c, np.uint32(values[r + 2, feature[c]] > threshold[c])]
                    d = children[d, np.uint32(values[r + 3, feature[d]] > threshold[d])]
                    e = children[e, np.uint32(values[r + 4, feature[e]] > threshold[e])]
                    f = children[f, np.uint32(values[r + 5, feature[f]] > threshold[f])]
                out[r] += depth[a]
                out[r + 1] += depth[b]
                out[r + 2] += depth[c]
                out[r + 3] += depth[d]
                out[r + 4] += depth[e]
                out[r + 5] += depth[f]
            for r in range(count - count % 6, count):
                a = root
                for _ in range(steps):
                    a = children[a, np.uint32(values[r, feature[a]] > threshold[a])]
                out[r] += depth[a]

    rows, nodes = types.Array(float32, 2, "C", readonly=True), types.Array(uint32, 1, "C", readonly=True)
    cuts, pairs = types.Array(float32, 1, "C", readonly=True), types.Array(uint32, 2, "C", readonly=True)
    paths = types.Array(float64, 1, "C", readonly=True)
    return njit([void(rows, nodes, nodes, cuts, pairs, paths, uint64, float64[::1])], nogil=True)(walk)


@cache
def _look_up() -> Any:
    from numba import float32, float64, njit, types, void

    def look_up(values, knots, surprise, out):  # type: ignore[no-untyped-def]
        nought, one, two = np.uint64(0), np.uint64(1), np.uint64(2)
        widest = np.uint64((knots.shape[2] + 1) // 2)
        for r in range(values.shape[0]):
            total = 0.0
            for f in range(values.shape[1]):
                most, value = 0.0, values[r, f]
                for side in range(knots.shape[0]):
                    reached, step = nought, widest  # a search without branches: how many knots the value reaches
                    while step > nought:
                        reached += step * np.uint64(knots[side, f, reached + step - one] <= value)
                        step //= two
                    if reached > nought:
                        most = max(most, surprise[side, f, reached - one])
                    value = -value  # the lower side is the upper side of negated values
                total += most
            out[r] = total

    rows, table = types.Array(float32, 2, "C", readonly=True), types.Array(float32, 3, "C", readonly=True)
    return njit([void(rows, table, types.Array(float64, 3, "C", readonly=True), float64[::1])], nogil=True)(look_up)
