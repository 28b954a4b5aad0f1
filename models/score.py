"""Rows -> risk 0-100."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.core import Fitted, Floats, Group, Matrix
from models.matrix import checked, chunks, filled, groups_of, matrix
from models.tables import SCORE
from models.tail import percentile, risk
from models.walk import depths, surprises

_TWO_TRIES = float(np.log(2.0))  # a row that may be rare in either of two views is so twice as often (Bonferroni)


@dataclass(frozen=True, slots=True)
class Judged:
    """Of rows of one group: path in the forest that decided, which one that was, and how rare its share was."""

    depth: Floats
    by_reference: npt.NDArray[np.bool_]
    log_share: Floats


def score(fitted: Fitted, frame: pa.Table, *, threads: int = 1) -> pa.Table:
    """One row per row of `frame`, in its order: the key columns and `models.tables.SCORE`.

    A row's result depends on the row and the model only, never on the other rows, `threads` or chunk sizes. Memory beyond frame and
    result is bounded. Errors: `UsageError` for a missing or ill-typed column.
    """
    model = fitted.model
    frame = checked(model, frame)
    names = list(fitted.groups)
    parts = [
        _chunk(fitted, frame.slice(rows.start, rows.stop - rows.start), names, threads)
        for rows in chunks(frame.num_rows)
    ]
    schema = pa.schema([*(frame.schema.field(name) for name in model.key), *SCORE])
    return pa.concat_tables(parts) if parts else schema.empty_table()


def judged(group: Group, values: Matrix, *, threads: int = 1) -> Judged:
    """`values` of rows of this group, without NaN."""
    depth = depths(group.rolling.forest, values, threads=threads)
    share = group.rolling.tail.log_shares(-depth)
    by_reference = np.zeros(len(values), dtype=np.bool_)
    if group.reference.forest is not group.rolling.forest:
        other_depth = depths(group.reference.forest, values, threads=threads)
        other = group.reference.tail.log_shares(-other_depth - group.shift)
        by_reference = other < share
        depth = np.where(by_reference, other_depth, depth)
        share = np.minimum(np.minimum(share, other) + _TWO_TRIES, 0.0)
    return Judged(depth, by_reference, share)


def _chunk(fitted: Fitted, frame: pa.Table, names: list[str], threads: int) -> pa.Table:
    model = fitted.model
    values, group_of_row = matrix(model, frame), groups_of(model, frame, names)
    unknown = np.isnan(values).sum(axis=1, dtype=np.int32)
    count = len(values)
    depth, share, opinion = np.zeros(count), np.zeros(count), np.zeros(count)
    by_reference = np.zeros(count, dtype=np.bool_)
    for position in np.unique(group_of_row):
        group = fitted.groups[names[position]]
        mine = group_of_row == position
        rows = filled(values if mine.all() else values[mine], group.rolling.baseline)
        found = judged(group, rows, threads=threads)
        depth[mine], share[mine], by_reference[mine] = found.depth, found.log_share, found.by_reference
        opinion[mine] = group.opinion.tail.log_shares(surprises(group.opinion.knots, group.opinion.surprise, rows))
    silent = unknown * 2 > len(model.features)  # more is unknown than known: no number would mean anything
    columns = (
        pa.DictionaryArray.from_arrays(pa.array(group_of_row), pa.array(names, pa.string())).cast(pa.string()),
        pa.DictionaryArray.from_arrays(pa.array(by_reference.astype(np.int8)), pa.array(["rolling", "reference"])).cast(
            pa.string()
        ),
        pa.array(depth, mask=silent),
        pa.array(risk(fitted.calibration, model.budget_share, share), mask=silent),
        pa.array(percentile(share), mask=silent),
        pa.array(percentile(opinion), mask=silent),
        pa.array(unknown),
    )
    schema = pa.schema([*(frame.schema.field(name) for name in model.key), *SCORE])
    return pa.table([*(frame[name] for name in model.key), *columns], schema=schema)
