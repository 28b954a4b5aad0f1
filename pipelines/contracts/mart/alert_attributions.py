"""`mart.alert_attributions`: promised, and empty until the model layer lands."""

from pipelines.contracts.mart._view import INSTANCE, unfilled
from pipelines.contracts.table import Dtype, Field

S = Dtype.STRING

VIEW = unfilled(
    "alert_attributions",
    "What drove a model score",
    "one feature of one alert",
    (
        INSTANCE,
        Field("alert_uid", S, "The alert"),
        Field("feature", S, "The feature"),
        Field("value", Dtype.FLOAT64, "Its value"),
        Field("baseline", Dtype.FLOAT64, "What is usual for the account"),
        Field("contribution", Dtype.FLOAT64, "Its part of the score"),
    ),
    filled_by="the model layer lands",
)
