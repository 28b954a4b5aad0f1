"""Rows of days -> a fitted model."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from models.core import Fitted, Model


def train(
    model: Model,
    frame: pa.Table,
    *,
    instance: str,
    as_of: date,
    exclude: pa.Table | None = None,
    reference: Fitted | None = None,
    threads: int = 1,
) -> Fitted:
    """What `frame` teaches: rows of the model's table (further columns are ignored) with `event_date` up to `as_of`, included.

    `exclude` holds alerted and suppressed rows by any part of the model's key (for example `user_uid`, `event_date`): they are left
    out. `reference` is the champion, whose frozen view is carried on; without it (first training, or a refresh by hand) this
    frame becomes the reference. The result does not depend on `threads`. Errors: `UsageError` for a missing or ill-typed column,
    rows after `as_of`, or too few rows to learn from.
    """
    raise NotImplementedError
