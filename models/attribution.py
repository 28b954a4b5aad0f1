"""What each feature did to a row's mean path: exact Shapley values of the forest that decided.

Sign and link. A path is counted in cuts; a short one is strange. `contribution` is in cuts: below nought the feature shortened the
path and raised the risk. Risk falls with the path by the training distribution (`models.tail`), so contributions order the
reasons and add up on the path, not on the 0-100 scale.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from models.core import Fitted, Floats, Matrix
from models.matrix import checked, filled, groups_of, matrix, numbers
from models.score import judged
from models.shapley import shapley
from models.tables import ATTRIBUTION


def attribute(fitted: Fitted, frame: pa.Table) -> pa.Table:
    """The key columns and `models.tables.ATTRIBUTION`: one row per row of `frame` and feature, strongest first within a row.

    Contributions of a row sum to `depth - expected_depth` within 1e-6, `depth` being that of `models.score.score`. A feature that was
    unknown has a null value and what the usual value contributed. Give it the rows worth explaining, not a whole history.
    """
    model = fitted.model
    frame = checked(model, frame)
    contribution, baseline, expected = _explained(fitted, frame)
    count, width = contribution.shape
    order = np.argsort(-np.abs(contribution), axis=1, kind="stable")
    value = np.stack([numbers(frame[name]) for name in model.features], axis=1) if count else np.zeros((0, width))

    def ordered(cells: Floats) -> Floats:
        return np.take_along_axis(cells, order, axis=1).ravel()

    key = frame.select(list(model.key)).take(pa.array(np.repeat(np.arange(count), width)))
    names = pa.DictionaryArray.from_arrays(pa.array(order.ravel().astype(np.int32)), pa.array(model.features)).cast(
        pa.string()
    )
    values = ordered(value)
    columns = (
        names,
        pa.array(values, mask=~np.isfinite(values)),
        pa.array(ordered(baseline)),
        pa.array(ordered(contribution)),
        pa.array(np.repeat(expected, width)),
    )
    schema = pa.schema([*(frame.schema.field(name) for name in model.key), *ATTRIBUTION])
    return pa.table([*key.columns, *columns], schema=schema)


def _explained(fitted: Fitted, frame: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Contributions and baselines (rows x features) and expected paths, each by the view that decided."""
    values, names = matrix(fitted.model, frame), list(fitted.groups)
    group_of_row = groups_of(fitted.model, frame, names)
    contribution, baseline = np.zeros(values.shape), np.zeros(values.shape)
    expected = np.zeros(len(values))
    for position in np.unique(group_of_row):
        group = fitted.groups[names[position]]
        mine = np.flatnonzero(group_of_row == position)
        rows: Matrix = filled(values[mine], group.rolling.baseline)
        by_reference = judged(group, rows).by_reference
        for view, which in ((group.rolling, ~by_reference), (group.reference, by_reference)):
            if which.any():
                contribution[mine[which]], expected[mine[which]] = shapley(view.forest, rows[which])
                baseline[mine[which]] = view.baseline
    return contribution, baseline, expected
