"""Recommendations as OCSF 1.8.0 Compliance Findings (class 2003), for tools that read that schema.

Source: schema.ocsf.io/1.8.0, classes/compliance_finding and objects/compliance. A finding's uid stays the same over the
days, so a reader can follow it; what is unknown is a Warning ("did not yield a result due to missing information").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

VERSION = "1.8.0"
CATEGORY, CLASS = 2, 2003
CREATE, UPDATE, CLOSE = 1, 2, 3
ACTIVITY = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}
STATUS = {
    "compliant": (1, "Pass"),
    "unknown": (2, "Warning"),
    "not_compliant": (3, "Fail"),
    "not_applicable": (99, "Other"),
}
NEW, RESOLVED = (1, "New"), (4, "Resolved")
#: CVSS v3.1's bands, by which the vendor grades its settings.
BANDS = ((9.0, 5, "Critical"), (7.0, 4, "High"), (4.0, 3, "Medium"), (0.1, 2, "Low"))
WORDS = {"Act": (4, "High"), "Recommend": (3, "Medium"), "Suggest": (2, "Low"), "Critical": (5, "Critical"), "High": (4, "High"),
         "Medium": (3, "Medium"), "Low": (2, "Low")}  # fmt: skip


def compliance_finding(row: Mapping[str, Any], product_version: str) -> dict[str, Any]:
    """One row of `mart.posture` as an event; times are UTC milliseconds."""
    status_id, status = STATUS[row["state"]]
    severity_id, severity = _severity(row)
    activity = _activity(row)
    seen = _milliseconds(row["event_date"])
    lifecycle_id, lifecycle = RESOLVED if activity == CLOSE else NEW
    return {
        "activity_id": activity,
        "activity_name": ACTIVITY[activity],
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {ACTIVITY[activity]}",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": lifecycle_id,
        "status": lifecycle,
        "time": seen,
        "message": row["reason"] or f"{row['title']}: {row['state'].replace('_', ' ')}",
        "metadata": {
            "version": VERSION,
            "product": {"name": "nowguard", "vendor_name": "nowguard", "version": product_version},
        },
        "finding_info": {
            "uid": f"{row['instance']}:{row['control_id']}",
            "title": row["title"],
            "types": [row["category"]],
            "first_seen_time": _milliseconds(row["since"]),
            "last_seen_time": seen,
        },
        "compliance": {
            "control": row["control_id"],
            "standards": list(row["frameworks"] or ()) or [row["source"] or "ServiceNow hardening settings"],
            "status_id": status_id,
            "status": status,
            "status_code": row["state"],
            "status_details": [t for t in (row["reason"], *(f"needs {acl}" for acl in row["missing_acls"] or ())) if t],
        },
        "remediation": {"desc": row["remediation"] or "nothing to do", "references": [row["source"]] if row["source"] else []},
        "resources": [{"uid": row["instance"], "name": row["instance"], "type": "ServiceNow instance"}],
        "unmapped": {
            "observed": row["observed"], "expected": row["expected"], "severity_score": row["severity_score"],
            "irreversible": row["irreversible"], "finding_count": row["finding_count"],
        },
    }  # fmt: skip


def _activity(row: Mapping[str, Any]) -> int:
    """A finding begins on the first day of its state, goes on while it holds, and is closed where nothing is to do."""
    if row["state"] in {"compliant", "not_applicable"}:
        return CLOSE
    return CREATE if row["since"] == row["event_date"] else UPDATE


def _severity(row: Mapping[str, Any]) -> tuple[int, str]:
    """Of the finding, not of the setting: what is compliant is for information."""
    if row["state"] in {"compliant", "not_applicable"}:
        return 1, "Informational"
    score = row["severity_score"]
    if score is None:
        return WORDS.get(row["severity_word"] or "", (0, "Unknown"))
    return next(((id_, word) for low, id_, word in BANDS if score >= low), (1, "Informational"))


def _milliseconds(day: Any) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)
