"""Which rows a model may learn: not alerted, not suppressed, no account more than its share, drawn by a hash of the key.

The draw keeps the rows with the smallest hash of (seed, key). It does not depend on the order of rows, and a row
that was drawn stays drawn while fewer than `training_rows` smaller ones join.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.core import ORGANISATION, Model
from pipelines.errors import UsageError

#: An account holds at most so many times an equal share of the drawn rows.
MOST_SHARE = 2.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows left after exclusion, and members of each group with enough of them; the organisation comes first."""

    model: Model
    frame: pa.Table
    rank: npt.NDArray[np.uint64]
    groups: Mapping[str, int]

    @property
    def rows_left(self) -> int:
        return int(self.frame.num_rows)

    def sample(self, name: str) -> pa.Table:
        """At most `training_rows` rows of the group in the order of the draw."""
        model = self.model
        rows = np.arange(self.frame.num_rows)
        if name != ORGANISATION:
            rows = np.flatnonzero(pc.equal(self.frame[model.group_by], name).fill_null(False).to_numpy())
        rows = _smallest(rows, self.rank, 2 * model.training_rows)
        members = self.frame[model.member].take(pa.array(rows))
        rows = rows[_fair(members, self.groups[name], model.training_rows)]
        return self.frame.take(pa.array(rows))


def choose(model: Model, frame: pa.Table, exclude: pa.Table | None) -> Chosen:
    """What may be learned of `frame`, and by which groups."""
    if exclude is not None and exclude.num_rows:
        frame = _without(model, frame, exclude)
    groups = {ORGANISATION: pc.count_distinct(frame[model.member]).as_py()}
    if model.group_by and frame.num_rows:
        counted = (
            frame.select([model.group_by, model.member])
            .group_by(model.group_by)
            .aggregate([(model.member, "count_distinct")])
        )
        found = zip(
            counted[model.group_by].to_pylist(), counted[f"{model.member}_count_distinct"].to_pylist(), strict=True
        )
        big = {name: n for name, n in found if name and name != ORGANISATION and n >= model.minimum_members}
        groups |= dict(sorted(big.items()))
    return Chosen(model, frame, _rank(model, frame), MappingProxyType(groups))


def _without(model: Model, frame: pa.Table, exclude: pa.Table) -> pa.Table:
    keys = [name for name in model.key if name in exclude.column_names]
    if not keys:
        raise UsageError(
            f"rows to leave out name none of {', '.join(model.key)}", remedy="give the table these columns"
        )
    listed = (
        exclude.select(keys).cast(pa.schema([frame.schema.field(name) for name in keys])).group_by(keys).aggregate([])
    )
    return frame.join(listed, keys, join_type="left anti")


def _rank(model: Model, frame: pa.Table) -> npt.NDArray[np.uint64]:
    """The same on every machine. Different values are few beside rows, so each is hashed once."""
    from pandas.util import hash_array

    rank = np.full(frame.num_rows, model.seed, dtype=np.uint64)
    for name in model.key:
        column = frame[name].combine_chunks().dictionary_encode()
        texts = pc.cast(column.dictionary, pa.string()).to_numpy(zero_copy_only=False)
        hashes = np.append(hash_array(np.asarray(texts, dtype=object)), np.uint64(0))
        rank ^= hashes[pc.fill_null(column.indices, -1).to_numpy()]
        _mix(rank)
    return rank


def _mix(state: npt.NDArray[np.uint64]) -> None:
    """The finaliser of SplitMix64 (Steele et al. 2014), in place: every bit that goes in moves every bit that comes out."""
    state += np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state ^= state >> np.uint64(shift)
        state *= np.uint64(factor)
    state ^= state >> np.uint64(31)


def _smallest(rows: npt.NDArray[np.int64], rank: npt.NDArray[np.uint64], count: int) -> npt.NDArray[np.int64]:
    if len(rows) > count:
        rows = rows[np.argpartition(rank[rows], count - 1)[:count]]
    return rows[np.argsort(rank[rows], kind="stable")]


def _fair(members: pa.ChunkedArray, member_count: int, most: int) -> npt.NDArray[np.int64]:
    """Positions of the first rows of each member, up to twice an equal share of what is drawn."""
    codes = np.asarray(pc.fill_null(members.combine_chunks().dictionary_encode().indices, -1).to_numpy())
    share = max(1, int(np.ceil(MOST_SHARE * min(len(codes), most) / max(member_count, 1))))
    order = np.argsort(codes, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(codes[order])) + 1] if len(codes) else np.array([], dtype=np.int64)
    nth = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return np.sort(order[nth < share])[:most]
