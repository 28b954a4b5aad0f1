"""How unlike themselves and their colleagues people were on a day, by the champion of each anomaly model."""

from __future__ import annotations

from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, warn

S, F = Dtype.STRING, Dtype.FLOAT64

TABLE = Table(
    name="out__model_score",
    title="Scores of user-days",
    grain="one model and person on one day",
    key=("model_id", "user_uid"),
    sort_by=("model_id", "user_uid"),
    fields=(
        Field("model_id", S, "The model", required=True),
        Field("model_revision", S, "Revision that scored the day; a rerun takes the same one", required=True),
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", S, "User name", pii=Pii.IDENTIFIER),
        Field("peer_group", S, "Whose forest scored the day: a department, or `organisation`", required=True),
        Field(
            "decided_by",
            S,
            "The view to which the day is stranger: recent days, or the frozen reference",
            required=True,
            one_of=("rolling", "reference"),
        ),
        Field("depth", F, "Mean path in the forest that decided; less is stranger", required=True, unit="cuts"),
        Field(
            "risk_score",
            F,
            "Calibrated score: 50 is the model's alert budget; null where too little is known",
            unit="0-100",
        ),
        Field("percentile", F, "Share of the training days that were less strange", required=True, unit="0-100"),
        Field("second_opinion", F, "Percentile of the day by a second, cheaper model", unit="0-100"),
        Field("surprise", F, "-ln of the share of training days that were at least as strange", required=True),
        Field(
            "surprise_7d",
            F,
            "Sum of the last seven days' surprises above 1: many strange days, none of which stands out",
            required=True,
        ),
        Field(
            "strange_days_7d", Dtype.INT64, "Days of the last seven with a surprise above 1", required=True, unit="days"
        ),
        Field(
            "is_in_budget",
            Dtype.BOOL,
            "At 50 or above: as strange as the few days that the alert budget leaves",
            required=True,
        ),
    ),
    checks=(
        warn(CheckKind.BETWEEN, "risk_score", low=0, high=100),
        warn(CheckKind.BETWEEN, "percentile", low=0, high=100),
    ),
)
