"""How well each source table could be read for a day: what coverage is judged by."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

TABLE = Table(
    name="out__table_state",
    title="Readability of source tables",
    grain="one source table on one day",
    key=("table",),
    sort_by=("table",),
    fields=(
        Field(
            "table",
            Dtype.STRING,
            "ServiceNow table; entra_user and entra_deleted_user at the identity provider",
            required=True,
        ),
        Field(
            "state", Dtype.STRING, "Outcome of reading it", required=True, one_of=("ok", "denied", "missing", "failed")
        ),
        Field("reason", Dtype.STRING, "Why it could not be read; empty where it could"),
        Field("missing_columns", Dtype.STRINGS, "Columns that no row carried"),
        Field("hidden_rows", Dtype.INT64, "Rows counted by the instance and not shown to the account", unit="rows"),
        Field("rows", Dtype.INT64, "Rows read in the run", unit="rows"),
        Field("complete_until", Dtype.TIMESTAMP, "Everything before this instant was read", unit="UTC"),
    ),
)
