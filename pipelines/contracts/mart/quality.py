"""`mart.quality`: what validation found."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.quality_result import TABLE

VIEW = View(
    name="quality",
    title="Results of validation",
    grain="one expectation on one table and day",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.quality_result",
    reads=("out__quality_result",),
)
