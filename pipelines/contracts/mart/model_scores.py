"""`mart.model_scores`: how unlike themselves and their colleagues people were."""

from dataclasses import replace

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.model_score import TABLE

_FIELDS = of_table(TABLE)

VIEW = View(
    name="model_scores",
    title="Scores of user-days",
    grain="one model and person on one day",
    columns=tuple(replace(f, name=f"actor_{f.name}") if f.name.startswith("user_") else f for f in _FIELDS),
    sql="SELECT *, user_uid AS actor_user_uid, user_name AS actor_user_name FROM wh.model_score",
    reads=(TABLE.name,),
)
