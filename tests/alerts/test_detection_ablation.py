"""The ablation's own arithmetic on cases made by hand."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.detection.ablation import HARD, LOOSER, SIDES, Measured, _alert_risk, hard, lines, ranking, summarise
from bench.detection.judge import Incident
from bench.detection.loosened import LOOSENED, loosened, policies_dir
from bench.detection.metrics import outcome
from pipelines import policies

DAYS = [date(2026, 11, d) for d in (1, 2, 3, 4)]
RULE, MODEL = "unusual_file_downloads", "unusual_user_day"


def incident(uid: str, user: str, day: int, scene: str = HARD[0]) -> Incident:
    at = datetime(2026, 11, day, 10)
    return Incident.of({"id": uid, "scene": scene, "kind": "attack", "policies": [MODEL], "users": [user], "user_names": [user],
                        "start": at, "end": at, "difficulty": "hard"})  # fmt: skip


def alert(policy: str, user: str, first: int, last: int, risk: float = 80.0) -> dict[str, Any]:
    return {"alert_uid": f"{policy}{user}{first}", "policy_id": policy, "actor_user_uid": user, "actor_user_name": user, "actor_user_uids": [user],
            "first_seen": datetime(2026, 11, first, 9), "last_seen": datetime(2026, 11, last, 11), "event_date": date(2026, 11, last),
            "risk_score": risk, "is_summary": False}  # fmt: skip


ALERTS = [alert(MODEL, "ann", 2, 2), alert(RULE, "bob", 3, 4, 50.0), alert(MODEL, "cem", 1, 1)]
INCIDENTS = [incident("i1", "ann", 2), incident("i2", "dee", 3)]


def measured() -> Measured:
    def side(*policies: str) -> Any:
        chosen = [row for row in ALERTS if row["policy_id"] in policies]
        return outcome(1, chosen, INCIDENTS, humans=100, days=DAYS, policies=[RULE, MODEL])

    sides = {"rules": side(RULE), "models": side(MODEL), "both": side(RULE, MODEL)}
    sides |= {looser: side(RULE) for looser in LOOSER}
    ranks = {name: {("ann", DAYS[1]): 90.0, ("bob", DAYS[2]): 95.0} for name in SIDES}
    return Measured(1, sides, ranks, 400, {})


def test_a_side_is_judged_by_its_own_alerts_and_the_attacks_of_all() -> None:
    report = summarise([measured()])

    assert [(report[s]["hard_found"], report[s]["hard_played"]) for s in SIDES] == [(0, 2), (1, 2), (1, 2)]
    assert [report[s]["false_alerts"] for s in SIDES] == [2.5, 2.5, 5.0]
    assert report["model_alerts"] == {"true": 1, "neutral": 0, "policy_true": 0, "false": 1}
    assert any(f"{HARD[0]} 0 -> 1 of 2" in line for line in lines(report))


def test_a_ranking_counts_attacked_days_that_it_does_not_know_as_missed() -> None:
    found = measured()

    precision, held = ranking(found.sides["both"], found.ranks["both"])

    assert precision == pytest.approx(0.25)  # found at the second place, one of two
    assert held[1] == 0.0  # one place, and it is wasted
    assert hard(found.sides["rules"]) == (0, 2)


def test_each_day_of_a_lasting_alert_is_as_risky_as_the_alert() -> None:
    risk = _alert_risk(ALERTS, {RULE}, set(DAYS))

    assert risk == {("bob", DAYS[2]): pytest.approx(0.5), ("bob", DAYS[3]): pytest.approx(0.5)}


def test_lower_limits_are_taken_by_every_rule_about_taking_data(tmp_path: Path) -> None:
    read = policies.load(policies_dir(tmp_path, 0.5))
    shipped = policies.load(None).policies

    assert read.problems == ()
    for id_ in LOOSENED:
        changed = {p.name: p.default for p in read.policies[id_].params}
        assert changed == {p.name: p.default for p in shipped[id_].params} | loosened(shipped[id_], 0.5)
    files = {p.name: p.default for p in read.policies["unusual_file_downloads"].params}
    assert (files["min_files"], files["times_high"], files["min_colleagues"]) == (20, 1.5, 3)
