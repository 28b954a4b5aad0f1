"""`mart.alert_attributions`: what drove the model score of the user-day that an alert is about."""

from pipelines.contracts.mart._view import INSTANCE, View
from pipelines.contracts.out.model_attribution import TABLE
from pipelines.contracts.table import Dtype, Field

VIEW = View(
    name="alert_attributions",
    title="What drove a model score",
    grain="one feature of one alert, of the day in it that the model found strangest",
    columns=(
        INSTANCE,
        Field("alert_uid", Dtype.STRING, "The alert"),
        TABLE["model_id"],
        TABLE["model_revision"],
        Field("scored_on", Dtype.DATE, "The user-day that was scored"),
        Field("model_score", Dtype.FLOAT64, "Its calibrated score", unit="0-100"),
        TABLE["feature"],
        TABLE["value"],
        TABLE["baseline"],
        TABLE["contribution"],
        TABLE["expected_depth"],
    ),
    sql="""
    WITH strangest AS (
        SELECT a.instance, a.alert_uid, s.model_id, arg_max(s.event_date, (-s.depth, s.event_date)) AS scored_on,
               max(s.risk_score) AS model_score, any_value(s.user_uid) AS user_uid
        FROM wh.alert a JOIN wh.model_score s ON s.instance = a.instance AND s.user_uid = a.actor_user_uid
             AND s.event_date BETWEEN CAST(a.first_seen AS DATE) AND CAST(a.last_seen AS DATE)
        WHERE a.model_revision IS NOT NULL GROUP BY ALL
    )
    SELECT t.instance, t.alert_uid, f.model_id, f.model_revision, t.scored_on, t.model_score,
           f.feature, f.value, f.baseline, f.contribution, f.expected_depth
    FROM strangest t JOIN wh.model_attribution f ON f.instance = t.instance AND f.event_date = t.scored_on
         AND f.user_uid = t.user_uid AND f.model_id = t.model_id
    """,
    reads=("out__model_score", TABLE.name),
)
