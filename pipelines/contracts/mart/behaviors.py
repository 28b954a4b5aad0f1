"""`mart.behaviors`: what a policy saw and did not raise, with the reason."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.alert import TABLE

VIEW = View(
    name="behaviors",
    title="Weaker observations that were not raised",
    grain="one behaviour that a policy, a suppression or a scope kept from being an alert",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.behavior",
)
