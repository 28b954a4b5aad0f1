"""`mart.activities`: what people and machines did."""

from pipelines.contracts.core.activity import TABLE
from pipelines.contracts.mart._view import View, of_table

VIEW = View(
    name="activities",
    title="Activities of the last days (older ones are in the lake's Parquet)",
    grain="one user action",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.activity",
    reads=("core__activity",),
)
