"""What Great Expectations said of each partition: one row per expectation."""

from __future__ import annotations

from pipelines.contracts.table import CheckKind, Dtype, Field, Table

S = Dtype.STRING

TABLE = Table(
    name="out__quality_result",
    title="Results of validation",
    grain="one expectation on one table and day",
    key=("table", "check", "column"),
    sort_by=("table", "column", "check"),
    fields=(
        Field("table", S, "Table that was judged", required=True),
        Field("check", S, "What the contract asks", required=True, one_of=tuple(CheckKind)),
        Field("expectation", S, "Great Expectations' name of the expectation", required=True),
        Field("column", S, "Column it is about; empty for the table", required=True),
        Field("severity", S, "What a failure means", required=True, one_of=("stop", "warn")),
        Field("success", Dtype.BOOL, "Met", required=True),
        Field(
            "evaluated_where",
            S,
            "Row checks are judged on frames of rows or of distinct values; cross-row checks are counted in DuckDB and "
            "judged as metrics",
            required=True,
            one_of=("rows", "metrics"),
        ),
        Field("observed", S, "What was found, without personal data"),
        Field("expected", S, "What was asked"),
        Field("measure", Dtype.FLOAT64, "What was counted, rows or a share of rows; null for a row check"),
        Field("rows", Dtype.INT64, "Rows of the partition", unit="rows"),
        Field(
            "failed_rows", Dtype.INT64, "Rows that do not meet it; for a null rate, rows without a value", unit="rows"
        ),
        Field("seconds", Dtype.FLOAT64, "Time of the whole table's validation", unit="seconds"),
    ),
)
