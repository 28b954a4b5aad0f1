"""Rows that a stop check refused: kept with the reason, read by nothing downstream. Never published."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S = Dtype.STRING

TABLE = Table(
    name="out__quarantine",
    title="Rows set aside by validation",
    grain="one refused row and expectation",
    key=("table", "row_hash", "expectation", "column"),
    sort_by=("table", "source_uid", "row_hash"),
    fields=(
        Field("table", S, "Table the row belongs to", required=True),
        Field("source_uid", S, "Its key, where it has one", pii=Pii.PSEUDONYM),
        Field("row_hash", S, "Hash of the row: tells rows without a key apart", required=True),
        Field("expectation", S, "What it does not meet", required=True),
        Field("column", S, "Column it is about", required=True),
        Field("reason", S, "One sentence for a person, without the value"),
        Field("row", S, "The row as JSON", pii=Pii.CONTENT),
    ),
)
