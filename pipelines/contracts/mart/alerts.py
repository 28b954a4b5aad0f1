"""`mart.alerts`: what a person should look at."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.alert import TABLE

VIEW = View(
    name="alerts",
    title="Alerts",
    grain="one alert: a policy, an actor or campaign, a continuing behaviour",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.alert",
)
