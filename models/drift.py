"""How far features moved away from what the model learned: population stability index over the deciles of training.

Below 0.1 nothing moved, from 0.25 on the model is judging other days than it learned (the usual reading of the index; both are
conventions, not tests). With n rows chance alone gives about 9/n, so small groups drift by chance.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from models.core import ORGANISATION, Deciles, Fitted, Floats, Matrix
from models.matrix import checked, groups_of, matrix
from models.tables import DRIFT

MODERATE, SHIFTED = 0.1, 0.25
_LEAST_SHARE = 1e-4


def drift(fitted: Fitted, frame: pa.Table) -> pa.Table:
    """`models.tables.DRIFT`: one row per feature, for the organisation (all rows) and each group with a forest and rows here."""
    model = fitted.model
    frame = checked(model, frame)
    values, names = matrix(model, frame), list(fitted.groups)
    group = groups_of(model, frame, names)
    parts: list[pa.Table] = []
    for position, name in enumerate(names):
        rows = values if name == ORGANISATION else values[group == position]
        if not len(rows):
            continue
        index = stability(fitted.groups[name].deciles, rows)
        columns: list[object] = [
            [name] * len(model.features), list(model.features), index, [_level(value) for value in index],
            [len(rows)] * len(model.features), np.isnan(rows).mean(axis=0),
        ]  # fmt: skip
        parts.append(
            pa.table([pa.array(c, f.type) for c, f in zip(columns, DRIFT, strict=True)], schema=pa.schema(DRIFT))
        )
    return pa.concat_tables(parts) if parts else pa.schema(DRIFT).empty_table()


def deciles_of(values: Matrix) -> Deciles:
    """Inner edges and shares of training rows (no NaN). Equal edges leave an empty bin between them, which counts nought."""
    edges = np.quantile(values.astype(np.float64), np.arange(1, 10) / 10, axis=0).T.copy()
    return Deciles(edges, _shares(edges, values))


def stability(learned: Deciles, values: Matrix) -> Floats:
    """Index of each feature over its known values; 0 where none is known."""
    now = np.maximum(_shares(learned.edges, values), _LEAST_SHARE)
    then = np.maximum(learned.shares, _LEAST_SHARE)
    index = np.round(((now - then) * np.log(now / then)).sum(axis=1), 6)
    return np.where(np.isnan(values).all(axis=0), 0.0, index)


def _shares(edges: Floats, values: Matrix) -> Floats:
    out = np.zeros((len(edges), 10))
    for feature, inner in enumerate(edges):
        known = values[:, feature]
        known = known[~np.isnan(known)].astype(np.float64)
        out[feature] = np.bincount(np.searchsorted(inner, known, side="left"), minlength=10) / max(len(known), 1)
    return out


def _level(index: float) -> str:
    return "stable" if index < MODERATE else "moderate" if index < SHIFTED else "shifted"
