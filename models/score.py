"""Rows -> risk 0-100."""

from __future__ import annotations

import pyarrow as pa

from models.core import Fitted


def score(fitted: Fitted, frame: pa.Table, *, threads: int = 1) -> pa.Table:
    """One row per row of `frame`, in its order: the key columns and `models.tables.SCORE`.

    A row's result depends on the row and the model only, never on the other rows, `threads` or chunk sizes. Memory beyond frame and
    result is bounded. Errors: `UsageError` for a missing or ill-typed column.
    """
    raise NotImplementedError
