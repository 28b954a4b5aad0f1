"""What posture tells the policies: blind where a log is off, degraded where nobody can tell."""

from __future__ import annotations

from datetime import date

from pipelines.alerts import coverage
from pipelines.alerts.coverage import Known, Needs
from pipelines.posture.gate import what_is_not_seen

DAY = date(2026, 3, 4)


def row(state: str, control: str = "impersonation_logged") -> dict[str, str]:
    return {"control_id": control, "state": state, "observed": "seen", "expected": "wanted", "reason": "denied"}


def test_a_log_that_is_off_blinds_the_policy_that_lives_on_it() -> None:
    seen = what_is_not_seen([row("not_compliant")])

    assert [sight for sight, _ in seen["unusual_impersonation"]] == ["blind"]
    assert [sight for sight, _ in seen["unusual_administrative_activity"]] == ["degraded"]


def test_what_was_logged_that_day_was_seen_whatever_the_setting_says_at_night() -> None:
    seen = what_is_not_seen([row("not_compliant")], ["login", "impersonation_start"])

    ((sight, reason),) = seen["unusual_impersonation"]
    assert sight == "degraded"
    assert reason.startswith("for a part of the day")


def test_a_state_that_nobody_knows_degrades_and_says_why() -> None:
    ((sight, reason),) = what_is_not_seen([row("unknown")])["unusual_impersonation"]

    assert sight == "degraded"
    assert "denied" in reason


def test_what_is_followed_or_does_not_apply_takes_nothing() -> None:
    assert what_is_not_seen([row("compliant"), row("not_applicable", "impersonator_audited")]) == {}


def test_coverage_carries_the_reason_of_posture() -> None:
    known = Known(unseen={"p": [("blind", "logging is off")]}, silent={"sys_audit": "auditing is off"})

    found = coverage(
        [Needs("p"), Needs("q", helpful_tables=("sys_audit",))], known, instance="acme", day=DAY
    ).to_pylist()

    assert [(r["policy_id"], r["state"]) for r in found] == [("p", "blind"), ("q", "degraded")]
    assert found[0]["reason"] == "logging is off"
    assert "auditing is off" in found[1]["reason"]
