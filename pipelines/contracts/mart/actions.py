"""`mart.actions`: promised, and empty until governance actions land."""

from pipelines.contracts.mart._view import INSTANCE, unfilled
from pipelines.contracts.table import Dtype, Field

S = Dtype.STRING

VIEW = unfilled(
    "actions",
    "Governance actions",
    "one attempt of one action",
    (
        INSTANCE,
        Field("action_uid", S, "The attempt"),
        Field("kind", S, "notify, require_sign_in or suspend"),
        Field("actor_user_uid", S, "Whom it concerns"),
        Field("state", S, "planned, approved, applied, failed or undone"),
        Field("requested_by", S, "Who asked"),
        Field("approved_by", S, "Who approved"),
        Field("result", S, "What came of it"),
        Field("time", Dtype.TIMESTAMP, "When", unit="UTC"),
    ),
    filled_by="governance actions land",
)
