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
        Field("peer_group", S, "Whose forest scored the day; `*` is the whole organisation's", required=True),
        Field("raw_score", F, "Score of the forest; the higher, the more unlike", required=True),
        Field("risk_score", F, "Calibrated score", required=True, unit="0-100"),
        Field("percentile", F, "Share of the training days with a lower score", required=True, unit="0-100"),
        Field("is_in_budget", Dtype.BOOL, "Above the score that the model's alert budget leaves", required=True),
    ),
    checks=(
        warn(CheckKind.BETWEEN, "risk_score", low=0, high=100),
        warn(CheckKind.BETWEEN, "percentile", low=0, high=100),
    ),
)
