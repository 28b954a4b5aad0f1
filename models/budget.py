"""The few rows worth an alert."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.core import Model


def over_budget(model: Model, scores: pa.Table) -> pa.Table:
    """The rows of `scores` that are stranger than all but the budgeted share of training rows: the ones to explain."""
    return scores.filter(pc.greater_equal(scores["percentile"], 100.0 * (1.0 - model.budget_share)))


def within_budget(model: Model, scores: pa.Table, attributions: pa.Table) -> pa.Table:
    """At most `alert_budget` of 1,000 rows of `scores` (at least one) out of `over_budget`, strangest first; adds `reason`, the
    feature that shortened the row's path most. `attributions` explain at least the rows over budget; a row without is left out.

    Reasons take turns: first the strangest row of each, then the second, so that a flood of one kind does not push out the only row
    of another. A quiet night raises fewer rows than the budget, or none.
    """
    most = max(1, int(np.floor(model.budget_share * scores.num_rows)))
    found = over_budget(model, scores).join(_reasons(model, attributions), list(model.key), join_type="inner")
    rows = found.sort_by([("risk", "descending"), *((name, "ascending") for name in model.key)])
    rows = rows.take(pa.array(_in_turns(rows["reason"])[:most]))
    return rows.sort_by([("risk", "descending"), *((name, "ascending") for name in model.key)])


def _reasons(model: Model, attributions: pa.Table) -> pa.Table:
    """The feature with the most negative contribution of each explained row."""
    keys = list(model.key)
    least = attributions.group_by(keys).aggregate([("contribution", "min")])
    joined = attributions.select([*keys, "feature", "contribution"]).join(least, keys)
    tops = joined.filter(pc.equal(joined["contribution"], joined["contribution_min"]))
    return tops.group_by(keys).aggregate([("feature", "min")]).rename_columns([*keys, "reason"])


def _in_turns(reasons: pa.ChunkedArray) -> np.ndarray:
    """Positions ordered by the turn within the reason, then as they came (strangest first)."""
    codes = np.asarray(reasons.combine_chunks().dictionary_encode().indices.to_numpy())
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0]) if len(codes) else np.zeros(0, dtype=np.int64)
    turn = np.empty(len(codes), dtype=np.int64)
    turn[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return np.argsort(turn, kind="stable")
