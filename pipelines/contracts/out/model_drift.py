"""How far the days that are scored have moved from those that the champion was trained on."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

S, F = Dtype.STRING, Dtype.FLOAT64

TABLE = Table(
    name="out__model_drift",
    title="Drift of features",
    grain="one feature of one peer group and model on one day",
    key=("model_id", "peer_group", "feature"),
    sort_by=("model_id", "peer_group", "feature"),
    fields=(
        Field("model_id", S, "The model", required=True),
        Field("model_revision", S, "Revision that is compared with", required=True),
        Field("peer_group", S, "Whose forest: a department, or `organisation`", required=True),
        Field("feature", S, "Column of feat__user_day_profile", required=True),
        Field("psi", F, "Population stability index of the last seven days against the training days", required=True, unit="nats"),
        Field("level", S, "stable below 0.1, moderate below 0.25, else shifted", required=True,
              one_of=("stable", "moderate", "shifted")),
        Field("user_days", Dtype.INT64, "User-days compared", required=True),
        Field("unknown_share", F, "Share of them without a usable value", unit="0-1"),
    ),
)  # fmt: skip
