"""The few rows worth an alert."""

from __future__ import annotations

import pyarrow as pa

from models.core import Model


def within_budget(model: Model, scores: pa.Table, attributions: pa.Table) -> pa.Table:
    """The rows of `scores` with risk >= 50, at most `alert_budget` of 1,000 rows (at least one), strangest first; adds `reason`, the
    feature that raised the row most. Reasons take turns, so that a flood of one kind does not push out the only row of another."""
    raise NotImplementedError
