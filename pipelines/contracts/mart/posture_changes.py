"""`mart.posture_changes`: changes of recommendations."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.posture_change import TABLE

VIEW = View(
    name="posture_changes",
    title="Changes of recommendations",
    grain="one change of state of one recommendation",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.posture_change",
    reads=("out__posture_change",),
)
