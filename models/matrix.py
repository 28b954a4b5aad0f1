"""Columns of a table -> rows of float32. What cannot be a measurement becomes the usual value and is counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.core import Floats, Matrix, Model
from pipelines.errors import UsageError

CHUNK_ROWS = 65_536


def checked(model: Model, frame: pa.Table, *, needs: tuple[str, ...] = ()) -> pa.Table:
    """The model's columns of `frame`. A missing or non-numeric one is an error, never read as "nothing happened"."""
    wanted = dict.fromkeys((*model.key, *([model.group_by] if model.group_by else []), *needs, *model.features))
    if absent := [name for name in wanted if name not in frame.column_names]:
        raise UsageError(
            f"model {model.id} needs columns that the table lacks: {', '.join(absent)}",
            remedy=f"build {model.table} again with this version (`nowguard rebuild`)",
        )
    for name in model.features:
        kind = frame.schema.field(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            raise UsageError(f"feature {name} is {kind}, not a number", remedy=f"correct the contract of {model.table}")
    return frame.select(list(wanted))


def matrix(model: Model, frame: pa.Table) -> Matrix:
    """float32, NaN where a value is null, NaN, infinite or beyond float32."""
    out = np.empty((frame.num_rows, len(model.features)), dtype=np.float32)
    for position, name in enumerate(model.features):
        with np.errstate(over="ignore", invalid="ignore"):
            out[:, position] = numbers(frame[name])
    out[~np.isfinite(out)] = np.nan
    return out


def numbers(column: pa.ChunkedArray) -> Floats:
    """float64, NaN for null."""
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def filled(values: Matrix, usual: Floats) -> Matrix:
    """NaN replaced by the usual value of the feature, in place."""
    unknown = np.isnan(values)
    if unknown.any():
        values[unknown] = np.broadcast_to(usual.astype(np.float32), values.shape)[unknown]
    return values


def chunks(rows: int, size: int = CHUNK_ROWS) -> Iterator[slice]:
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def groups_of(model: Model, frame: pa.Table, known: list[str]) -> npt.NDArray[np.int32]:
    """Position of each row's group in `known`; 0, the organisation, where the group has no forest or is null."""
    if not model.group_by or len(known) < 2:
        return np.zeros(frame.num_rows, dtype=np.int32)
    found = pc.index_in(pc.cast(frame[model.group_by], pa.string()), value_set=pa.array(known[1:], pa.string()))
    return np.asarray(pc.add(pc.fill_null(found, -1), 1).to_numpy(), dtype=np.int32)
