"""What turned since the snapshot before."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S = Dtype.STRING

TABLE = Table(
    name="out__posture_change",
    title="Changes of recommendations",
    grain="one recommendation whose state or finding differs from the snapshot before",
    key=("control_id",),
    sort_by=("control_id",),
    fields=(
        Field("control_id", S, "The recommendation", required=True),
        Field("from_state", S, "State before", required=True),
        Field("to_state", S, "State after", required=True),
        Field("observed", S, "What the instance has; secrets masked", pii=Pii.CONTENT),
        Field("observed_before", S, "What it had", pii=Pii.CONTENT),
        Field("previous_date", Dtype.DATE, "Day of the snapshot before", required=True),
        Field("held_since", Dtype.DATE, "First day of the state before", required=True),
        Field("severity_score", Dtype.FLOAT64, "Vendor's severity of non-compliance", unit="0-10"),
        Field("title", S, "What the recommendation asks for"),
        Field("rests_on", Dtype.STRINGS, "What was changed if it turned: sys_properties/<name>, else names of tables"),
        Field("is_excepted", Dtype.BOOL, "Somebody answers for it on that day; null: a night of an earlier version"),
        Field(
            "is_drift",
            Dtype.BOOL,
            "It was compliant when last known and is not any more: somebody should look",
            required=True,
        ),
    ),
)
