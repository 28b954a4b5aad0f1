"""`mart.model_attributions`: which features made the score of a user-day, alert or not."""

from dataclasses import replace

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.model_attribution import TABLE

VIEW = View(
    name="model_attributions",
    title="What drove the score of a user-day",
    grain="one feature of one scored user-day above the model's threshold",
    columns=tuple(replace(f, name="actor_user_uid") if f.name == "user_uid" else f for f in of_table(TABLE)),
    sql="SELECT *, user_uid AS actor_user_uid FROM wh.model_attribution",
    reads=(TABLE.name,),
)
