"""Decisions survive a rebuild, follow the behaviour, and open again when it grows; suppressions expire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.alerts import CLOSE_REASONS, Suppression, Triage, new_suppression, publishable
from pipelines.errors import UsageError
from pipelines.state_store import StateStore
from tests.alerts.rows import detection, detections, evidence

NOW = datetime.fromisoformat("2026-11-02 06:00:00")
LATER = NOW + timedelta(days=1)


@pytest.fixture
def triage(tmp_path: Path) -> Iterator[Triage]:
    store = StateStore(tmp_path / "nowguard.sqlite")
    yield Triage(store)
    store.close()


def published(triage: Triage, *rows: dict[str, Any], now: datetime = NOW, view: str = "alerts") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = publishable(duckdb.connect(), detections(*rows), evidence(), triage, now=now)[
        view
    ].to_pylist()
    return found


FIRST = detection("a", "2026-11-01 10:00:00")
NEXT_DAY = detection("b", "2026-11-02 10:00:00")


def test_an_alert_keeps_the_time_of_its_first_publish(triage: Triage) -> None:
    published(triage, FIRST)

    again = published(triage, FIRST, NEXT_DAY, now=LATER)[0]

    assert (again["created_at"], again["status"]) == (NOW, "new")


def test_a_decision_survives_a_rebuild_with_another_store_object(triage: Triage) -> None:
    alert = published(triage, FIRST)[0]
    triage.close(alert, "benign", "confirmed_with_user", author="bo", now=NOW, comment="on a trip")
    triage.store.close()

    again = published(Triage(StateStore(triage.store.path)), FIRST, now=LATER)[0]

    assert (again["status"], again["classification"], again["close_reason"], again["comment"]) == (
        "closed", "benign", "confirmed_with_user", "on a trip")  # fmt: skip


def test_acknowledging_and_assigning_keep_each_other(triage: Triage) -> None:
    alert = published(triage, FIRST)[0]
    triage.assign(alert, "cy", author="bo", now=NOW)
    triage.acknowledge(alert, author="bo", now=NOW, comment="looking")

    again = published(triage, FIRST)[0]

    assert (again["status"], again["assignee"], again["comment"]) == ("acknowledged", "cy", "looking")
    assert [decision.status for decision in triage.history(alert["alert_uid"])] == ["new", "acknowledged"]


def test_a_late_row_that_moves_the_first_day_takes_the_decision_along(triage: Triage) -> None:
    alert = published(triage, FIRST)[0]
    triage.acknowledge(alert, author="bo", now=NOW)

    again = published(triage, detection("late", "2026-10-31 10:00:00"), FIRST, now=LATER)[0]

    assert again["alert_uid"] != alert["alert_uid"]
    assert (again["status"], again["created_at"]) == ("acknowledged", NOW)


def test_a_decision_made_on_a_carried_one_builds_on_it(triage: Triage) -> None:
    alert = published(triage, FIRST)[0]
    triage.assign(alert, "cy", author="bo", now=NOW)
    moved = published(triage, detection("late", "2026-10-31 10:00:00"), FIRST)[0]

    assert triage.acknowledge(moved, author="bo", now=LATER).assignee == "cy"


def test_the_decision_of_one_behaviour_does_not_reach_another(triage: Triage) -> None:
    alert = published(triage, FIRST)[0]
    triage.close(alert, "false_positive", "not_accurate", author="bo", now=NOW)

    statuses = [row["status"] for row in published(triage, FIRST, detection("c", "2026-11-09 10:00:00"), now=LATER)]

    assert sorted(statuses) == ["closed", "new"]


@pytest.mark.parametrize(
    ("classification", "reason", "further", "status"),
    [
        ("true_positive", "confirmed", {}, "new"),
        ("benign", "confirmed_with_user", {}, "closed"),
        ("benign", "confirmed_with_user", {"risk_score": 59.9}, "closed"),
        ("benign", "confirmed_with_user", {"risk_score": 60.0}, "new"),
        ("benign", "confirmed_with_user", {"countries": ["RU"]}, "new"),
        ("false_positive", "not_accurate", {"severity": "high"}, "new"),
    ],
)
def test_a_closed_alert_opens_again_when_it_goes_on_or_grows(
    triage: Triage, classification: str, reason: str, further: dict[str, Any], status: str
) -> None:
    triage.close(published(triage, FIRST)[0], classification, reason, author="bo", now=NOW)

    again = published(triage, FIRST, NEXT_DAY | further, now=LATER)[0]

    assert again["status"] == status
    assert (again["close_reason"] is None) == (status == "new")


@pytest.mark.parametrize(
    ("classification", "reason"), [("benign", "not_accurate"), ("harmless", "other"), ("benign", "")]
)
def test_only_microsofts_reasons_close_an_alert(triage: Triage, classification: str, reason: str) -> None:
    with pytest.raises(UsageError) as raised:
        triage.close(published(triage, FIRST)[0], classification, reason, author="bo", now=NOW)

    assert raised.value.remedy.startswith("use one of")


def test_the_close_reasons_carry_microsofts_codes() -> None:
    assert CLOSE_REASONS["false_positive"] == {
        "not_of_interest": 0,
        "too_many_similar": 1,
        "not_accurate": 3,
        "other": 4,
    }
    assert CLOSE_REASONS["benign"] == {
        "severity_lower": 2,
        "other": 4,
        "confirmed_with_user": 5,
        "triggered_by_test": 6,
    }


def suppression(days: int = 30, **criteria: Any) -> Suppression:
    start = datetime.fromisoformat("2026-11-01 00:00:00")
    values: dict[str, Any] = {
        "owner": "bo",
        "reason": "red team",
        "starts_at": start,
        "expires_at": start + timedelta(days=days),
    }
    return new_suppression(created_at=NOW, **(values | {"actor_user_uid": "u1"} | criteria))


def test_a_suppressed_alert_is_a_behavior_that_names_the_suppression(triage: Triage) -> None:
    alert = published(triage, FIRST)[0]
    made = triage.suppress(suppression(), NOW)

    assert published(triage, FIRST) == []
    hidden = published(triage, FIRST, view="behaviors")[0]
    assert (hidden["suppressed_by"], hidden["alert_uid"]) == (f"suppression:{made.suppression_uid}", alert["alert_uid"])


def test_a_suppression_that_is_lifted_gives_its_alerts_back(triage: Triage) -> None:
    made = triage.suppress(suppression(), NOW)

    triage.unsuppress(made.suppression_uid, author="bo", now=NOW)

    assert len(published(triage, FIRST)) == 1
    with pytest.raises(UsageError):
        triage.unsuppress(made.suppression_uid, author="bo", now=NOW)


@pytest.mark.parametrize(
    ("at", "hidden"),
    [
        ("2026-10-31 23:59:59", False),
        ("2026-11-01 00:00:00", True),
        ("2026-11-30 23:59:59", True),
        ("2026-12-01 00:00:00", False),
    ],
)
def test_a_suppression_lives_by_the_time_of_the_events(triage: Triage, at: str, hidden: bool) -> None:
    triage.suppress(suppression(), NOW)

    assert (published(triage, detection("x", at)) == []) is hidden


@pytest.mark.parametrize(
    ("criteria", "hidden"),
    [
        ({"actor_user_uid": "u2"}, False),
        ({"policy_id": "infrequent_country_activity"}, False),
        ({"policy_id": "impossible_travel"}, True),
        ({"actor_user_uid": None, "actor_user_name": "ann"}, True),
        ({"actor_user_uid": None, "src_ip": "203.0.113.0/24"}, True),
        ({"actor_user_uid": None, "src_ip": "203.0.113.8"}, False),
        ({"actor_user_uid": None, "src_ip": "2001:db8::/32"}, False),
        ({"actor_user_uid": None, "country": "BR"}, True),
        ({"actor_user_uid": None, "country": "DE"}, False),
    ],
)
def test_a_suppression_hides_only_what_it_names(triage: Triage, criteria: dict[str, Any], hidden: bool) -> None:
    triage.suppress(suppression(**criteria), NOW)

    assert (published(triage, FIRST) == []) is hidden


@pytest.mark.parametrize("addresses", [["203.0.113.7", "198.51.100.1"], [], ["not an address"]])
def test_an_address_beyond_the_suppressed_ones_is_raised(triage: Triage, addresses: list[str]) -> None:
    triage.suppress(suppression(actor_user_uid=None, src_ip="203.0.113.0/24"), NOW)

    assert len(published(triage, FIRST | {"src_ips": addresses})) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"owner": " "}, {"reason": ""}, {"days": 92}, {"days": 0}, {"actor_user_uid": None}, {"src_ip": "10.0.0.0/99"}],
)
def test_a_suppression_needs_owner_reason_end_and_aim(triage: Triage, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        triage.suppress(suppression(**wrong), NOW)

    assert triage.suppressions() == []


def test_ninety_days_from_the_latest_day_are_allowed(triage: Triage) -> None:
    made = suppression(expires_at=NOW + timedelta(days=90))

    assert triage.suppress(made, NOW) in triage.suppressions()


def test_a_rerun_gives_equal_rows(triage: Triage) -> None:
    triage.suppress(suppression(actor_user_uid="u2"), NOW)
    rows = [FIRST, NEXT_DAY, detection("x", "2026-11-01 10:00:00", actor_user_uid="u2")]

    assert published(triage, *rows) == published(triage, *reversed(rows), now=LATER)
