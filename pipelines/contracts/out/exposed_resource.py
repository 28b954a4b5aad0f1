"""What can be reached without the right to, one by one: the rows behind recommendations about exposure."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, S = Dtype.BOOL, Dtype.STRING

TABLE = Table(
    name="out__exposed_resource",
    title="Exposed resources",
    grain="one resource and what is wrong with it on one day; nothing of a recommendation that is unknown in out__posture",
    key=("control_id", "finding", "resource_type", "resource_uid"),
    sort_by=("control_id", "finding", "resource_type", "resource_uid"),
    fields=(
        Field("control_id", S, "The recommendation that it offends", required=True),
        Field("ref", S, "Its number", required=True),
        Field("finding", S, "What is wrong with it, as the recommendation counts it", required=True),
        Field("resource_type", S, "ServiceNow table that holds it", required=True),
        Field("resource_uid", S, "Its sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("resource_name", S, "What the instance calls it", pii=Pii.CONTENT),
        Field("account_uid", S, "Account that it acts as or belongs to; null where it has none", pii=Pii.PSEUDONYM),
        Field(
            "is_certain",
            B,
            "False where a script, a condition or something else that is not seen decides",
            required=True,
        ),
        Field("weight", Dtype.FLOAT64, "How bad, as in out__posture", required=True, unit="0-10"),
        Field("since", Dtype.DATE, "First day of the finding, without a snapshot between that lacks it", required=True),
    ),
)
