"""The rows that a summary rests on. What other alerts rest on is the view `mart.alert_evidence`, of the same columns."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S = Dtype.STRING

TABLE = Table(
    name="out__alert_evidence",
    title="Evidence of alerts",
    grain="one source row of one alert or behavior",
    key=("alert_uid", "source_table", "source_uid"),
    sort_by=("alert_uid", "time", "source_uid"),
    time_column="time",
    fields=(
        Field("alert_uid", S, "The alert or behavior", required=True),
        Field("source_table", S, "ServiceNow table of the row", required=True),
        Field("source_uid", S, "sys_id of the row", required=True, pii=Pii.PSEUDONYM),
        Field("time", Dtype.TIMESTAMP, "When it happened", required=True, unit="UTC"),
        Field("activity_name", S, "Normalised verb", required=True),
        Field(
            "summary", S, "One line for a person; no file content, no PII beyond user and address", pii=Pii.IDENTIFIER
        ),
        Field("activity_uid", S, "The activity in mart.activities"),
    ),
)
