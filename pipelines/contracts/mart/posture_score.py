"""`mart.posture_score`: posture score by day."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.posture_score import TABLE

VIEW = View(
    name="posture_score",
    title="Posture score by day",
    grain="one instance on one day",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.posture_score",
    reads=("out__posture_score",),
)
