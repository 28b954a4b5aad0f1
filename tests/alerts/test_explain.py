"""The words about an alert, by whom it concerns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from pipelines.alerts.explain import explain

ALERT: dict[str, Any] = {
    "alert_uid": "0" * 32,
    "title": "No longer so",
    "policy_id": "posture_drift",
    "policy_kind": "activity",
    "severity": "high",
    "first_seen": datetime(2026, 3, 4, 22),
    "last_seen": datetime(2026, 3, 4, 23),
    "risk_score": 70.0,
    "risk_parts": '{"prior": 0.85}',
    "actor_user_uids": [],
    "status": "new",
}


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ({}, "the instance: nobody is seen to have done it"),
        ({"actor_user_name": "ann", "actor_user_uid": "u1"}, "ann (sys_user u1)"),
        ({"actor_user_uids": ["u1", "u2"]}, "a campaign against 2 users: u1, u2"),
        ({"actor_user_uids": ["u1", "u2"], "is_summary": True}, "a summary of grouped alerts about 2 users"),
    ],
)
def test_whom_it_concerns(of: dict[str, Any], said: str) -> None:
    assert explain(ALERT | of, []).who == (said,)


@pytest.mark.parametrize(("policy", "said"), [("posture_drift", "not measured"), ("impossible_travel", "was measured")])
def test_a_prior_says_whether_it_was_measured(policy: str, said: str) -> None:
    (_, (words, share)) = explain(ALERT | {"policy_id": policy}, []).risk

    assert words.endswith(said)
    assert share == "70 %"
