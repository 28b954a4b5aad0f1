"""The rows that a detection rests on."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S = Dtype.STRING

TABLE = Table(
    name="out__detection_evidence",
    title="Evidence of detections",
    grain="one activity of one detection",
    key=("detection_uid", "activity_uid"),
    sort_by=("detection_uid", "time"),
    fields=(
        Field("detection_uid", S, "The detection", required=True),
        Field("activity_uid", S, "The activity", required=True),
        Field("source_table", S, "ServiceNow table of the row", required=True),
        Field("source_uid", S, "sys_id of the row", required=True, pii=Pii.PSEUDONYM),
        Field("time", Dtype.TIMESTAMP, "When it happened", required=True, unit="UTC"),
        Field("activity_name", S, "Normalised verb", required=True),
        Field(
            "summary", S, "One line for a person; no file content, no PII beyond user and address", pii=Pii.IDENTIFIER
        ),
    ),
)
