"""Answers to questions that only need a number (`pipelines.contracts.counts`): no row leaves the instance."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

TABLE = Table(
    name="raw_servicenow__posture_count",
    title="Counts of rows that are not read",
    grain="one question of pipelines/contracts/counts.py on one day",
    key=("question",),
    sort_by=("question",),
    fields=(
        Field("question", Dtype.STRING, "What was asked", required=True),
        Field("rows", Dtype.INT64, "Rows as the instance counts them; null where it did not say", unit="rows"),
        Field("state", Dtype.STRING, "ok, denied, missing or failed"),
        Field("reason", Dtype.STRING, "Why there is no number; empty where there is one"),
    ),
)
