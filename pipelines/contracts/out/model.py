"""What the registry of models holds. Lives in the warehouse, not as a lake partition."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

S, D, F = Dtype.STRING, Dtype.INT64, Dtype.FLOAT64

TABLE = Table(
    name="out__model",
    title="Fitted models",
    grain="one revision of one model",
    key=("model_id", "model_revision"),
    sort_by=("model_id", "event_date", "model_revision"),
    fields=(
        Field("model_id", S, "The model", required=True),
        Field("model_revision", S, "Fingerprint of the fitted arrays and the declaration", required=True),
        Field("role", S, "champion scores; challenger waits; retired was a champion; rejected lost", required=True,
              one_of=("champion", "challenger", "retired", "rejected")),
        Field("trained_from", Dtype.DATE, "First day of the training window", required=True),
        Field("trained_to", Dtype.DATE, "Last day of the training window; it scores later days only", required=True),
        Field("user_days", D, "User-days it was trained on", required=True),
        Field("excluded_user_days", D, "User-days left out because of an alert or a suppression", required=True),
        Field("peer_groups", Dtype.STRINGS, "Groups with a forest of their own, `organisation` among them"),
        Field("decided_by", S, "`rule`, or who promoted it by hand"),
        Field("reason", S, "Why it is, or is not, the champion", required=True),
    ),
)  # fmt: skip
