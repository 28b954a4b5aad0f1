"""`mart.coverage`: whether a policy could see."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.coverage import TABLE

VIEW = View(
    name="coverage",
    title="What each policy could see",
    grain="one policy on one day",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.coverage",
    reads=("out__coverage",),
)
