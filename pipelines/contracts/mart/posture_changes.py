"""`mart.posture_changes`: promised, and empty until the posture run lands."""

from pipelines.contracts.mart._view import EVENT_DATE, INSTANCE, unfilled
from pipelines.contracts.table import Dtype, Field

S = Dtype.STRING

VIEW = unfilled(
    "posture_changes",
    "Changes of state",
    "one change of one recommendation",
    (
        INSTANCE,
        EVENT_DATE,
        Field("control_id", S, "The recommendation"),
        Field("from_state", S, "State before"),
        Field("to_state", S, "State after"),
        Field("observed", S, "What the instance has; secrets masked"),
    ),
    filled_by="the posture run lands",
)
