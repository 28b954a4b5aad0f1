"""What each feature did to a row's mean path: exact Shapley values of the forest that decided."""

from __future__ import annotations

import pyarrow as pa

from models.core import Fitted


def attribute(fitted: Fitted, frame: pa.Table) -> pa.Table:
    """The key columns and `models.tables.ATTRIBUTION`: one row per row of `frame` and feature, strongest first within a row.

    Contributions of a row sum to `depth - expected_depth` within 1e-6, `depth` being that of `models.score.score`.
    """
    raise NotImplementedError
