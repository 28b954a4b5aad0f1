"""How well each table of the posture snapshot could be read: what `unknown` rests on."""

from __future__ import annotations

from pipelines.contracts.table import CheckKind, Dtype, Field, Table, warn

TABLE = Table(
    name="raw_servicenow__posture_table",
    title="Readability of posture tables",
    grain="one source table in the posture snapshot of one day",
    key=("table",),
    sort_by=("table",),
    fields=(
        Field("table", Dtype.STRING, "ServiceNow table", required=True),
        Field("state", Dtype.STRING, "Outcome of reading it: ok, denied, missing or failed"),
        Field("reason", Dtype.STRING, "Why it could not be read; empty where it could"),
        Field("missing_columns", Dtype.STRINGS, "Columns that no row carried"),
        Field("hidden_rows", Dtype.INT64, "Rows counted by the instance and not shown to the account", unit="rows"),
        Field("rows", Dtype.INT64, "Rows read", unit="rows"),
        Field(
            "keyless_rows", Dtype.INT64, "Rows read without sys_id; more than none: the table is no use", unit="rows"
        ),
        Field("doubled_rows", Dtype.INT64, "Rows read with the sys_id of another; the same", unit="rows"),
    ),
    checks=(
        warn(CheckKind.BETWEEN, "keyless_rows", low=0, high=0),
        warn(CheckKind.BETWEEN, "doubled_rows", low=0, high=0),
    ),
)
