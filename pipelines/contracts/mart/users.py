"""`mart.users`: accounts as of the last day that was read."""

from pipelines.contracts.core.user import TABLE
from pipelines.contracts.mart._view import View, of_table

VIEW = View(
    name="users",
    title="Accounts as last seen",
    grain="one account of one instance",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.user_day QUALIFY event_date = max(event_date) OVER (PARTITION BY instance)",
    reads=("core__user",),
)
