"""`mart.posture`: recommendations by day."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.posture import TABLE

VIEW = View(
    name="posture",
    title="Recommendations by day",
    grain="one recommendation on one day",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.posture",
    reads=("out__posture",),
)
