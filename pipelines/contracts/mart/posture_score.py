"""`mart.posture_score`: promised, and empty until the posture run lands."""

from pipelines.contracts.mart._view import EVENT_DATE, INSTANCE, unfilled
from pipelines.contracts.table import Dtype, Field

S = Dtype.STRING

VIEW = unfilled(
    "posture_score",
    "Secure score by day",
    "one instance on one day",
    (
        INSTANCE,
        EVENT_DATE,
        Field("score", Dtype.FLOAT64, "Secure score", unit="0-100"),
        Field("compliant", Dtype.INT64, "Compliant recommendations"),
        Field("not_compliant", Dtype.INT64, "Non-compliant recommendations"),
        Field("unknown", Dtype.INT64, "Recommendations that could not be judged"),
    ),
    filled_by="the posture run lands",
)
