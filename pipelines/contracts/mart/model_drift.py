"""`mart.model_drift`: how far scored days have moved from the training days."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.model_drift import TABLE

VIEW = View(
    name="model_drift",
    title="Drift of features",
    grain="one feature of one peer group and model on one day",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.model_drift",
    reads=(TABLE.name,),
)
