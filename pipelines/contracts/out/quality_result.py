"""What Great Expectations said of each partition: one row per expectation."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

S = Dtype.STRING

TABLE = Table(
    name="out__quality_result",
    title="Results of validation",
    grain="one expectation on one table and day",
    key=("table", "expectation", "column"),
    sort_by=("table", "column", "expectation"),
    fields=(
        Field("table", S, "Table that was judged", required=True),
        Field("expectation", S, "Great Expectations' name of the expectation", required=True),
        Field("column", S, "Column it is about; empty for the table", required=True),
        Field("severity", S, "What a failure means", required=True, one_of=("stop", "warn")),
        Field("success", Dtype.BOOL, "Met", required=True),
        Field("evaluated_where", S, "Row checks run on frames; cross-row checks are counted in DuckDB and judged as metrics",
              required=True, one_of=("rows", "metrics")),
        Field("observed", S, "What was found, without personal data"),
        Field("expected", S, "What was asked"),
        Field("rows", Dtype.INT64, "Rows of the partition", unit="rows"),
        Field("failed_rows", Dtype.INT64, "Rows that do not meet it", unit="rows"),
        Field("seconds", Dtype.FLOAT64, "Time taken by the table's validation, shared by its expectations", unit="seconds"),
    ),
)
