"""From the detections of all days and what people decided to the frames that `publish` writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.alerts.fold import NO_BUDGETS, fold
from pipelines.alerts.triage import Triage


def publishable(
    con: duckdb.DuckDBPyConnection,
    detections: pa.Table | duckdb.DuckDBPyRelation,
    evidence: pa.Table | duckdb.DuckDBPyRelation,
    triage: Triage,
    *,
    now: datetime,
    budgets: Mapping[str, int] = NO_BUDGETS,
) -> dict[str, pa.Table]:
    """`Folded.frames()`; what is new is remembered in the state store with `now` as its creation.

    Everything but `created_at` is a pure function of the arguments.
    """
    known = triage.snapshot()
    folded = fold(con, detections, evidence, known, budgets=budgets)
    remembered = {thread.alert_uid for thread in known.threads}
    triage.register(folded.threads.filter(~pl.col("alert_uid").is_in(remembered)), now)
    frames = folded.frames()
    return {
        name: _created(frame, now) if "created_at" in frame.column_names else frame for name, frame in frames.items()
    }


def _created(frame: pa.Table, now: datetime) -> pa.Table:
    at = frame.column_names.index("created_at")
    filled = pc.fill_null(frame["created_at"], pa.scalar(now, pa.timestamp("us")))
    return frame.set_column(at, frame.schema.field(at), filled)
