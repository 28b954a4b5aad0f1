"""Which detections an alert or behavior is made of. Lives in the warehouse, not as a lake partition."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

TABLE = Table(
    name="out__alert_detection",
    title="Detections of alerts",
    grain="one detection, in its one alert or behavior",
    key=("instance", "detection_uid"),
    sort_by=("alert_uid", "detection_uid"),
    fields=(
        Field("alert_uid", Dtype.STRING, "The alert or behavior", required=True),
        Field("detection_uid", Dtype.STRING, "The detection, as in out__detection_evidence", required=True),
        Field(
            "is_only", Dtype.BOOL, "No evidence needs merging: no other detection, no row named twice", required=True
        ),
    ),
)
