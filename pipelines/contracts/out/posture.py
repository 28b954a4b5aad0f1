"""What each recommendation is found to be on a day."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, S, L, N = Dtype.BOOL, Dtype.STRING, Dtype.STRINGS, Dtype.FLOAT64

TABLE = Table(
    name="out__posture",
    title="Recommendations by day",
    grain="one recommendation on one day",
    key=("control_id",),
    sort_by=("control_id",),
    fields=(
        Field("control_id", S, "The recommendation", required=True),
        Field("ref", S, "Its number in docs/reference/posture.md: 1-149 settings, D1-D56 the rest", required=True),
        Field("title", S, "What it asks for", required=True),
        Field("category", S, "Group of recommendations", required=True),
        Field(
            "state",
            S,
            "What was found",
            required=True,
            one_of=("compliant", "not_compliant", "unknown", "not_applicable"),
        ),
        Field("observed", S, "What the instance has; secrets and names of people are never shown", pii=Pii.CONTENT),
        Field("expected", S, "What it should have"),
        Field("reason", S, "Why it is unknown or does not apply; empty elsewhere"),
        Field("missing_acls", L, "Access that would make it known, as table: operation or table.column: operation"),
        Field("reads", L, "ServiceNow tables that it rests on"),
        Field("severity_score", N, "Vendor's severity of non-compliance; null where it states none", unit="0-10"),
        Field("severity_word", S, "Vendor's word where it gives no number"),
        Field("weight", N, "What it counts in our own score: the number, or what the word stands for", unit="0-10"),
        Field("finding_count", Dtype.INT64, "Rows that were found against it; null where it is not about rows"),
        Field("examples", L, "Ids of a few of those rows, at most five", pii=Pii.PSEUDONYM),
        Field("source", S, "Where the recommendation is published"),
        Field("remediation", S, "How to comply, one step a line"),
        Field("irreversible", B, "The change cannot be undone", required=True),
        Field("functional_impact", S, "What somebody notices once it is repaired"),
        Field("frameworks", L, "Controls of public frameworks, only where a source maps them; mostly empty"),
        Field("is_setting", B, "One of ServiceNow's own hardening settings", required=True),
        Field("is_in_baseline", B, "Counts in ServiceNow's score for this release", required=True),
        Field("is_named_by_microsoft", B, "One of the four that Microsoft names", required=True),
        Field("release", S, "Release family of the instance; empty where it is not known"),
        Field("last_known_state", S, "Latest state that was known, this one or an earlier one; null: never known"),
        Field("since", Dtype.DATE, "First day of the state, without a day between", required=True),
        Field("excepted_by", S, "Who answers for it while an exception is in force; null: nobody", pii=Pii.IDENTIFIER),
        Field("excepted_until", Dtype.DATE, "Last day of that exception"),
        Field("exception_reason", S, "Why it was granted", pii=Pii.CONTENT),
    ),
)
