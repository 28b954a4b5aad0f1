"""How far an instance follows the recommendations, as numbers."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

N, C = Dtype.FLOAT64, Dtype.INT64

TABLE = Table(
    name="out__posture_score",
    title="Posture score by day",
    grain="one instance on one day",
    key=("instance",),
    fields=(
        Field(
            "score",
            N,
            "ServiceNow's formula over the settings of the release's baseline that could be judged; null where none could",
            unit="0-100",
        ),
        Field(
            "own_score",
            N,
            "Share of weight that is known to be compliant, of all that applies and is not excepted: not seeing costs",
            unit="0-100",
        ),
        Field("judged_share", N, "Share of that weight that could be judged", unit="0-100"),
        Field("severity_compliant", N, "Sum of the vendor's severities of compliant settings that the score counts"),
        Field("severity_all", N, "Sum of the vendor's severities of all settings that the score counts"),
        Field("settings", C, "Settings that the score counts", required=True),
        Field("compliant", C, "Compliant recommendations", required=True),
        Field("not_compliant", C, "Non-compliant recommendations, excepted ones among them", required=True),
        Field("unknown", C, "Recommendations that could not be judged", required=True),
        Field("not_applicable", C, "Recommendations that do not apply", required=True),
        Field("excepted", C, "Non-compliant or unknown recommendations under an exception in force", required=True),
        Field("baseline", N, "Hardening baseline of the release", required=True),
    ),
)
