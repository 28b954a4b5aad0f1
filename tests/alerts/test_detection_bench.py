"""The definitions of detection quality on cases made by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bench.detection.judge import Incident, Verdict, attacks, judge, sightings
from bench.detection.metrics import (
    Organisation,
    average_precision,
    calibration,
    counted_days,
    false_alerts,
    interval,
    median,
    outcome,
    own_recall,
    precision,
    ranking,
    recall,
    seconds_to_detect,
    strict_precision,
    worst,
)

START = datetime.fromisoformat("2026-11-05 10:00:00")
END = datetime.fromisoformat("2026-11-05 11:00:00")
TRAVEL, COUNTRY, MASS = "impossible_travel", "infrequent_country_activity", "mass_download_by_single_user"
POLICIES = (TRAVEL, COUNTRY, MASS)
DAYS = [date(2026, 11, d) for d in range(1, 11)]


def incident(uid: str = "a", **values: Any) -> Incident:
    row = {"id": uid, "scene": "s", "kind": "attack", "policies": [TRAVEL], "users": ["u1"], "user_names": ["ann"], "start": START,
           "end": END, "difficulty": "easy"}  # fmt: skip
    return Incident.of(row | values)


def alert(policy: str = TRAVEL, user: str | None = "u1", at: datetime = START, **values: Any) -> dict[str, Any]:
    row = {"alert_uid": f"{policy}{user}{at}", "policy_id": policy, "actor_user_uid": user, "actor_user_name": None,
           "actor_user_uids": [user] if user else [], "event_date": at.date(), "first_seen": at, "last_seen": at, "risk_score": 80.0}  # fmt: skip
    return row | values


def verdicts(alerts: list[dict[str, Any]], *incidents: Incident) -> list[Verdict]:
    return [j.verdict for j in judge(sightings(alerts), incidents)]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (START - timedelta(minutes=10, seconds=1), Verdict.FALSE),
        (START - timedelta(minutes=10), Verdict.TRUE),
        (END + timedelta(hours=24), Verdict.TRUE),
        (END + timedelta(hours=24, seconds=1), Verdict.FALSE),
    ],
)
def test_time_overlaps_from_ten_minutes_before_to_a_day_after(at: datetime, verdict: Verdict) -> None:
    assert verdicts([alert(at=at)], incident()) == [verdict]


def test_another_user_does_not_match() -> None:
    assert verdicts([alert(user="u2")], incident()) == [Verdict.FALSE]


def test_an_unknown_account_matches_by_name() -> None:
    assert verdicts([alert(user=None, actor_user_name="ann")], incident()) == [Verdict.TRUE]


def test_names_without_an_account_do_not_match_each_other() -> None:
    guessed = incident(users=["", ""], user_names=["root", "test"])

    assert verdicts([alert(user=None, actor_user_name="root"), alert(user=None, actor_user_uids=[""])], guessed) == [
        Verdict.TRUE,
        Verdict.FALSE,
    ]


def test_a_campaign_matches_by_any_victim() -> None:
    assert verdicts([alert(user=None, actor_user_uids=["u7", "u1"])], incident()) == [Verdict.TRUE]


def test_the_four_verdicts() -> None:
    benign = incident("b", kind="benign", policies=[COUNTRY], users=["u2"], user_names=[])
    found = verdicts([alert(), alert(COUNTRY), alert(COUNTRY, "u2"), alert(TRAVEL, "u2")], incident(), benign)

    assert found == [Verdict.TRUE, Verdict.NEUTRAL, Verdict.POLICY_TRUE, Verdict.FALSE]


def test_an_attack_outweighs_benign_activity_of_the_same_user() -> None:
    benign = incident("b", kind="benign", policies=[TRAVEL])

    assert verdicts([alert()], benign, incident()) == [Verdict.TRUE]


def test_alerts_are_counted_once_per_policy_user_and_day() -> None:
    later = START + timedelta(hours=3)

    assert len(sightings([alert(), alert(at=later), alert(COUNTRY), alert(at=START + timedelta(days=1))])) == 3


def test_a_flood_summary_is_not_counted() -> None:
    assert sightings([alert(user=None, is_summary=True)]) == []


def organisation(alerts: list[dict[str, Any]], *incidents: Incident, seed: int = 1) -> Organisation:
    return outcome(seed, alerts, incidents, humans=100, days=DAYS, policies=POLICIES)


def test_precision_leaves_policy_true_out_and_strict_precision_counts_it_as_false() -> None:
    benign = incident("b", kind="benign", policies=[COUNTRY], users=["u2"], user_names=[])
    org = organisation([alert(), alert(COUNTRY, "u2"), alert(COUNTRY, "u3")], incident(), benign)

    assert precision(org) == 1 / 2
    assert strict_precision(org) == 1 / 3


def test_without_alerts_precision_is_unknown_and_recall_is_nought() -> None:
    org = organisation([], incident())

    assert precision(org) is None
    assert recall(org) == 0.0


def test_an_attack_is_found_by_any_accepted_policy_and_own_recall_stands_beside() -> None:
    org = organisation([alert(COUNTRY)], incident(policies=[TRAVEL, COUNTRY]))

    assert recall(org.of_policy(TRAVEL)) == 1.0
    assert own_recall(org, TRAVEL) == 0.0
    assert own_recall(org, COUNTRY) == 1.0


def test_only_days_after_the_warm_up_count() -> None:
    days = counted_days(datetime.fromisoformat("2026-11-01 00:00:00"), datetime.fromisoformat("2026-11-11 00:00:00"), 7)
    org = outcome(
        1,
        [alert(), alert(at=datetime.fromisoformat("2026-11-08 10:00:00"))],
        [incident()],
        humans=100,
        days=days,
        policies=POLICIES,
    )

    assert days == [date(2026, 11, 8), date(2026, 11, 9), date(2026, 11, 10)]
    assert len(org.judged) == 1
    assert org.attacks == ()


def test_false_alerts_are_per_thousand_users_and_day() -> None:
    assert false_alerts(organisation([alert(user="u9"), alert(user="u8")])) == 2.0


def test_time_to_detect_starts_with_the_attack_and_is_never_negative() -> None:
    found = attacks(judge(sightings([alert(at=START + timedelta(minutes=5))]), [incident()]), [incident()])
    early = organisation([alert(at=START - timedelta(minutes=5))], incident())

    assert found[0].seconds == 300
    assert seconds_to_detect(early) == [0]


def test_a_score_that_says_what_happens_is_calibrated() -> None:
    users = [f"u{i}" for i in range(10)]
    true = [incident(user, users=[user], user_names=[]) for user in users[:8]]
    org = organisation([alert(user=user) for user in users], *true)
    found = calibration([org])

    assert found is not None
    assert found[1] == pytest.approx(0.8 * 0.04 + 0.2 * 0.64)


def test_ranking_puts_attacked_user_days_first_where_their_risk_is_higher() -> None:
    org = organisation([alert(risk_score=90.0), alert(user="u9", risk_score=10.0)], incident())

    assert ranking(org) == (1.0, {1: 1.0, 5: 1.0, 20: 1.0})


def test_average_precision_falls_with_every_false_one_above() -> None:
    assert average_precision([True, False, True], 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([False], 1) == 0.0


def test_the_interval_holds_the_median_and_the_worst_lies_below() -> None:
    good = [organisation([alert()], incident(), seed=i) for i in range(9)]
    bad = organisation([alert(), alert(user="u9")], incident(), seed=9)
    low, high = interval([*good, bad], precision) or (0, 0)

    assert low <= (median([*good, bad], precision) or 0) <= high
    assert worst([*good, bad], precision) == 0.5
