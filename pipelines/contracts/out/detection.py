"""What a policy saw on a day, raised or not: immutable per day, folded into alerts at publish."""

from __future__ import annotations

from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, stop

S = Dtype.STRING

TABLE = Table(
    name="out__detection",
    title="Detections of one day",
    grain="one policy, actor and episode on one day",
    key=("detection_uid",),
    sort_by=("policy_id", "actor_user_uid", "first_seen"),
    time_column="last_seen",
    fields=(
        Field("detection_uid", S, "Hash of instance, policy, day, actor, trait and instants", required=True),
        Field("policy_id", S, "The policy that saw it", required=True),
        Field("policy_kind", S, "Kind of the policy", required=True, one_of=("anomaly", "activity", "file", "model")),
        Field("policy_revision", S, "Content hash of the policy and its parameters", required=True),
        Field("model_revision", S, "Revision of the model that took part; null where none did"),
        Field("severity", S, "How bad it is if true", required=True, one_of=("informational", "low", "medium", "high")),
        Field("actor_user_uid", S, "sys_user.sys_id; null for an unknown account or a campaign", pii=Pii.PSEUDONYM),
        Field("actor_user_name", S, "User name; null for a campaign", pii=Pii.IDENTIFIER),
        Field(
            "actor_user_uids", Dtype.STRINGS, "All victims, sorted: sys_ids, and the typed name where no account has it"
        ),
        Field("first_seen", Dtype.TIMESTAMP, "First evidence", required=True, unit="UTC"),
        Field("last_seen", Dtype.TIMESTAMP, "Last evidence", required=True, unit="UTC"),
        Field("title", S, "One sentence for a person, plain text", pii=Pii.CONTENT, required=True),
        Field("evidence_count", Dtype.INT64, "Evidence rows", required=True),
        Field("repeated_rows", Dtype.INT64, "Kept evidence whose source row another activity of it names already"),
        Field("attack_techniques", Dtype.STRINGS, "MITRE ATT&CK technique ids"),
        Field("src_ips", Dtype.STRINGS, "Addresses in the evidence, sorted", pii=Pii.IDENTIFIER),
        Field("countries", Dtype.STRINGS, "Countries in the evidence, sorted"),
        Field("trait_kind", S, "What the rarity flags are about: country, asn, device, ip ...; null where none"),
        Field("trait_value", S, "The trait seen, as in state__seen; for a campaign its source", pii=Pii.IDENTIFIER),
        Field("confidence", Dtype.FLOAT64, "How sure the policy is of this case; null: as sure as usual", unit="0-1"),
        Field("facts", S, "What the policy measured, JSON object", pii=Pii.CONTENT),
        Field("suppressed_by", S, "Why it is a behavior and no alert; null where it is an alert"),
        Field("is_first_for_user", Dtype.BOOL, "The trait is new for this user in 90 days; null where not comparable"),
        Field(
            "is_uncommon_among_peers",
            Dtype.BOOL,
            "Fewer than 5 % of the peers show the trait in 30 days; null: no peers",
        ),
        Field(
            "is_uncommon_in_organisation", Dtype.BOOL, "Fewer than 5 % of the organisation show the trait in 30 days"
        ),
        Field("is_first_in_organisation", Dtype.BOOL, "The trait is new for the organisation in 90 days"),
        Field("risk_score", Dtype.FLOAT64, "100 x estimated probability of a true positive", unit="0-100"),
        Field("risk_parts", S, "Log-odds that sum to the risk score, JSON object"),
        Field("priority", Dtype.FLOAT64, "How much it matters", unit="0-100"),
        Field("priority_parts", S, "The parts of the priority, JSON object"),
    ),
    checks=(stop(CheckKind.TIME_IN_PARTITION, "last_seen"),),
)
