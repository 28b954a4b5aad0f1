"""Whether a policy could see on a day: blindness is said aloud."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Table

TABLE = Table(
    name="out__coverage",
    title="Coverage of policies",
    grain="one policy on one day",
    key=("policy_id",),
    sort_by=("policy_id",),
    fields=(
        Field("policy_id", Dtype.STRING, "The policy", required=True),
        Field(
            "state",
            Dtype.STRING,
            "How well it could see",
            required=True,
            one_of=("active", "learning", "degraded", "blind"),
        ),
        Field("reason", Dtype.STRING, "What is missing and what to do; empty where active"),
    ),
)
