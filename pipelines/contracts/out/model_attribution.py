"""Which features made a user-day's score: for every day above the model's threshold of explanation."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S, F = Dtype.STRING, Dtype.FLOAT64

TABLE = Table(
    name="out__model_attribution",
    title="Attributions of user-days",
    grain="one feature of one scored user-day",
    key=("model_id", "user_uid", "feature"),
    sort_by=("model_id", "user_uid", "feature"),
    fields=(
        Field("model_id", S, "The model", required=True),
        Field("model_revision", S, "Revision that scored the day", required=True),
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("feature", S, "Column of feat__user_day_profile", required=True),
        Field("value", F, "Its value on the day", required=True),
        Field("baseline", F, "Middle of the training days of the same view", required=True),
        Field(
            "contribution",
            F,
            "What it did to the path: below 0 it makes the day stranger; a day's sum to depth - expected_depth",
            required=True,
            unit="cuts",
        ),
        Field("expected_depth", F, "Mean path of the training days", required=True, unit="cuts"),
    ),
)
