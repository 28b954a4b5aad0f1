"""Alerts as OCSF 1.8.0 Detection Findings (class 2004), for tools that read that schema.

Source: schema.ocsf.io/1.8.0, classes/detection_finding and objects/finding_info. An alert keeps its uid while it lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

VERSION = "1.8.0"
CATEGORY, CLASS = 2, 2004
SEVERITY = {"informational": (1, "Informational"), "low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High")}
#: Triage status -> activity, and status of the finding.
LIFE = {"new": ((1, "Create"), (1, "New")), "acknowledged": ((2, "Update"), (2, "In Progress"))}
CLOSED = {"true_positive": (4, "Resolved")}
CLOSE, SUPPRESSED = (3, "Close"), (3, "Suppressed")


def detection_finding(row: Mapping[str, Any], product_version: str) -> dict[str, Any]:
    """One row of `mart.alerts` as an event; times are UTC milliseconds."""
    severity_id, severity = SEVERITY[row["severity"]]
    (activity_id, activity), (status_id, status) = LIFE.get(
        row["status"], (CLOSE, CLOSED.get(row["classification"] or "", SUPPRESSED))
    )
    people = row["actor_user_uids"] or [uid for uid in (row["actor_user_uid"],) if uid]
    # the schema has no nulls: what is not known is left out
    named = {"name": row["actor_user_name"]} if row["actor_user_name"] and len(people) == 1 else {}
    return {
        "activity_id": activity_id, "activity_name": activity,
        "category_uid": CATEGORY, "category_name": "Findings",
        "class_uid": CLASS, "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity_id, "type_name": f"Detection Finding: {activity}",
        "severity_id": severity_id, "severity": severity,
        "status_id": status_id, "status": status,
        "is_alert": activity_id != CLOSE[0],
        "time": _milliseconds(row["created_at"] or row["last_seen"]),
        "start_time": _milliseconds(row["first_seen"]), "end_time": _milliseconds(row["last_seen"]),
        "message": row["title"],
        **({} if row["risk_score"] is None else {"confidence_score": round(row["risk_score"])}),
        "count": row["evidence_count"],
        "metadata": {
            "version": VERSION, "uid": row["alert_uid"],
            "product": {"name": "nowguard", "vendor_name": "nowguard", "version": product_version},
        },
        "finding_info": {
            "uid": row["alert_uid"], "title": row["title"],
            "analytic": {"uid": row["policy_id"], "name": row["policy_id"], "type_id": 4 if row["policy_kind"] == "model" else 1,
                         "version": row["policy_revision"]},
            "attacks": [{"technique": {"uid": uid}, "version": "17"} for uid in row["attack_techniques"] or ()],
            "first_seen_time": _milliseconds(row["first_seen"]), "last_seen_time": _milliseconds(row["last_seen"]),
        },
        "evidences": [{"src_endpoint": {"ip": ip}} for ip in row["src_ips"] or ()],
        "resources": [{"uid": uid, "type": "User", **named} for uid in people],
        "unmapped": {"instance": row["instance"], "priority": row["priority"], "countries": list(row["countries"] or ()),
                     "classification": row["classification"], "close_reason": row["close_reason"]},
    }  # fmt: skip


def _milliseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)
