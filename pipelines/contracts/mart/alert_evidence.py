"""`mart.alert_evidence`: the rows that an alert rests on."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.alert_evidence import TABLE

VIEW = View(
    name="alert_evidence",
    title="Evidence of alerts and behaviors",
    grain="one evidence row of an alert or behavior",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.alert_evidence",
)
