"""Alerts and behaviors: detections folded over days at publish. Lives in the warehouse, not as a lake partition."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, S, L, N = Dtype.BOOL, Dtype.STRING, Dtype.STRINGS, Dtype.FLOAT64

TABLE = Table(
    name="out__alert",
    title="Alerts, folded",
    grain="one policy, actor (or campaign source) and continuing behaviour",
    key=("alert_uid",),
    sort_by=("event_date", "policy_id", "alert_uid"),
    time_column="last_seen",
    fields=(
        Field("alert_uid", S, "Hash of instance, policy, actor and first day of the behaviour", required=True),
        Field("policy_id", S, "The policy that saw it", required=True),
        Field("policy_kind", S, "Kind of the policy", required=True, one_of=("anomaly", "activity", "file", "model")),
        Field("severity", S, "How bad it is if true", required=True, one_of=("informational", "low", "medium", "high")),
        Field("risk_score", N, "100 x estimated probability of a true positive", unit="0-100"),
        Field("priority", N, "How much it matters", unit="0-100"),
        Field("status", S, "Where triage stands", required=True, one_of=("new", "acknowledged", "closed")),
        Field(
            "actor_user_uid",
            S,
            "sys_user.sys_id; null for an unknown account, a campaign or a summary",
            pii=Pii.PSEUDONYM,
        ),
        Field("actor_user_name", S, "User name; null for a campaign or a summary", pii=Pii.IDENTIFIER),
        Field("actor_user_uids", L, "Everybody concerned, sorted; all victims of a campaign", pii=Pii.PSEUDONYM),
        Field("first_seen", Dtype.TIMESTAMP, "First evidence", required=True, unit="UTC"),
        Field("last_seen", Dtype.TIMESTAMP, "Last evidence", required=True, unit="UTC"),
        Field("title", S, "One sentence for a person, plain text", required=True, pii=Pii.CONTENT),
        Field("evidence_count", Dtype.INT64, "Evidence rows", required=True),
        Field("attack_techniques", L, "MITRE ATT&CK technique ids, sorted"),
        Field("src_ips", L, "Addresses in the evidence, sorted", pii=Pii.IDENTIFIER),
        Field("countries", L, "Countries in the evidence, sorted"),
        Field("policy_revision", S, "Content hash of the policy and its parameters, of the latest detection"),
        Field("model_revision", S, "Revision of the model that took part; null where none did"),
        Field("created_at", Dtype.TIMESTAMP, "When it was first published; no part of rerun equality", unit="UTC"),
        Field("suppressed_by", S, "Why it is a behavior and no alert; null for an alert"),
        Field("day_count", Dtype.INT64, "Days on which the behaviour was seen", unit="days"),
        Field("detection_count", Dtype.INT64, "Detections folded into it"),
        Field("trait_kind", S, "What the rarity flags are about"),
        Field("trait_value", S, "The trait seen; for a campaign its source", pii=Pii.IDENTIFIER),
        Field("is_first_for_user", B, "The trait was new for this user in 90 days; null where not comparable"),
        Field("is_uncommon_among_peers", B, "Fewer than 5 % of the peers showed the trait in 30 days; null: no peers"),
        Field("is_uncommon_in_organisation", B, "Fewer than 5 % of the organisation showed the trait in 30 days"),
        Field("is_first_in_organisation", B, "The trait was new for the organisation in 90 days"),
        Field("risk_parts", S, "Log-odds that sum to the risk score, JSON object"),
        Field("priority_parts", S, "Points that sum to the priority, JSON object"),
        Field("facts", S, "What the policy measured in the riskiest detection, JSON object", pii=Pii.CONTENT),
        Field("group_uid", S, "alert_uid of the flood summary it is grouped under; null outside a flood"),
        Field("is_summary", B, "A flood summary: stands for alerts that are all listed too", required=True),
        Field("assignee", S, "Who looks at it"),
        Field("classification", S, "How it was closed", one_of=("true_positive", "benign", "false_positive")),
        Field("close_reason", S, "Why, one of Microsoft's close reasons"),
        Field("comment", S, "Latest comment of triage", pii=Pii.CONTENT),
    ),
)
