"""`mart.posture`: promised, and empty until the posture run lands."""

from pipelines.contracts.mart._view import EVENT_DATE, INSTANCE, unfilled
from pipelines.contracts.table import Dtype, Field

S = Dtype.STRING

VIEW = unfilled(
    "posture",
    "Recommendations by day",
    "one recommendation on one day",
    (
        INSTANCE,
        EVENT_DATE,
        Field("control_id", S, "The recommendation"),
        Field("title", S, "What it asks for"),
        Field("category", S, "Group of recommendations"),
        Field("state", S, "compliant, not_compliant, unknown or not_applicable"),
        Field("observed", S, "What the instance has; secrets masked"),
        Field("expected", S, "What it should have"),
        Field("severity_score", Dtype.FLOAT64, "How bad non-compliance is", unit="0-10"),
        Field("source", S, "Where the recommendation is published"),
        Field("remediation", S, "How to comply"),
        Field("irreversible", Dtype.BOOL, "The change cannot be undone"),
    ),
    filled_by="the posture run lands",
)
