"""Risk is a sum of visible log-odds, priority a sum of visible points, and nothing missing is an error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from pipelines.alerts.risk import FLAG_WEIGHTS, PRIORS, log_odds
from pipelines.alerts.score import score
from pipelines.contracts import contract
from tests.alerts.rows import INSTANCE, detection, detections, evidence, seen, seen_table, table, user

DAY = date(2026, 11, 1)
OLD = "2026-01-01"


def scored(
    *rows: dict[str, Any],
    people: Iterable[dict[str, Any]] = (),
    traits: Iterable[dict[str, Any]] = (),
    activities: Iterable[dict[str, Any]] = (),
    proof: Any = None,
) -> list[dict[str, Any]]:
    con = duckdb.connect()
    con.register("core__user", table("core__user", people))
    con.register("state__seen", seen_table(traits))
    con.register("core__activity", table("core__activity", activities))
    found = score(con, INSTANCE, DAY, detections(*rows), evidence() if proof is None else proof)
    assert found.schema.names == list(contract("out__detection").columns)
    return sorted(found.to_pylist(), key=lambda row: str(row["detection_uid"]))


def test_without_facts_the_score_is_the_prior_of_the_policy() -> None:
    assert scored(detection("a", "2026-11-01 10:00:00"))[0]["risk_score"] == 100 * PRIORS["impossible_travel"]


def test_a_policy_nobody_measured_starts_from_its_kind() -> None:
    assert scored(detection("a", "2026-11-01 10:00:00", policy_id="mine"))[0]["risk_score"] == 50.0


@pytest.mark.parametrize(
    ("confidence", "moves"), [(0.5, 0.0), (0.9, 2.0), (0.1, -2.0), (1.0, 2.0), (0.0, -2.0), (None, 0.0)]
)
def test_confidence_moves_the_odds_within_limits(confidence: float | None, moves: float) -> None:
    row = scored(detection("a", "2026-11-01 10:00:00", policy_id="mine", confidence=confidence))[0]

    assert row["risk_score"] == pytest.approx(100 / (1 + math.exp(-moves)), abs=0.06)


def test_the_parts_sum_to_the_score() -> None:
    traits = [
        seen("u1", "country", "DE", OLD, "2026-10-31"),
        *(seen(f"c{i}", "country", "BR", OLD, "2026-10-30") for i in range(20)),
    ]
    row = scored(
        detection("a", "2026-11-01 10:00:00", trait_kind="country", trait_value="BR", suppressed_by="x"), traits=traits
    )[0]
    parts = json.loads(row["risk_parts"])

    assert parts["first_for_user"] == 0.5
    assert parts["uncommon_in_organisation"] == -0.8
    assert parts["suppressed"] < 0
    assert row["risk_score"] == pytest.approx(100 / (1 + math.exp(-sum(parts.values()))), abs=0.3)


def test_a_new_address_says_less_than_a_new_country() -> None:
    traits = [seen("u1", kind, "old", OLD, "2026-10-31") for kind in ("country", "ip")]
    rows = [detection(kind, "2026-11-01 10:00:00", trait_kind=kind, trait_value="new") for kind in ("country", "ip")]

    country, address = scored(*rows, traits=traits)

    assert country["is_first_for_user"] is address["is_first_for_user"] is True
    assert country["risk_score"] > address["risk_score"] > 80.0


def test_every_flag_moves_the_score_the_way_it_points() -> None:
    assert all(weight.if_true > weight.if_false for weight in FLAG_WEIGHTS)


def test_the_state_of_the_day_itself_does_not_make_its_trait_old() -> None:
    own_day = {"event_date": DAY}
    traits = [
        seen("u1", "country", "DE", OLD, "2026-11-01") | own_day,
        seen("u1", "country", "BR", "2026-11-01", "2026-11-01") | own_day,
    ]

    row = scored(detection("a", "2026-11-01 10:00:00", trait_kind="country", trait_value="BR"), traits=traits)[0]

    assert row["is_first_for_user"] is True


def test_only_the_newest_state_before_the_day_counts() -> None:
    traits = [
        seen("u1", "country", "DE", OLD, "2026-10-31"),
        seen("u1", "country", "BR", OLD, "2026-10-29") | {"event_date": date(2026, 10, 29)},
    ]

    row = scored(detection("a", "2026-11-01 10:00:00", trait_kind="country", trait_value="BR"), traits=traits)[0]

    assert row["is_first_for_user"] is True


@pytest.mark.parametrize(
    ("people", "points"),
    [
        ([], 8.0),
        ([user("u1")], 8.0),
        ([user("u1", is_external=True)], 10.0),
        ([user("u1", is_integration=True)], 15.0),
        ([user("u1"), user("u2", manager_uid="u1")], 18.0),
        ([user("u1", is_privileged=True, is_integration=True)], 25.0),
        ([user("u1", is_privileged=True), user("u1", is_privileged=False) | {"event_date": date(2026, 11, 2)}], 8.0),
    ],
)
def test_user_impact_is_the_most_powerful_role(people: list[dict[str, Any]], points: float) -> None:
    row = scored(detection("a", "2026-11-01 10:00:00"), people=people)[0]

    assert json.loads(row["priority_parts"])["user_impact"] == points


def test_a_campaign_matters_as_much_as_its_most_powerful_victim() -> None:
    campaign = detection(
        "a", "2026-11-01 10:00:00", actor_user_uid=None, actor_user_name=None, actor_user_uids=["u1", "u2"]
    )

    row = scored(campaign, people=[user("u1"), user("u2", is_privileged=True)])[0]

    assert json.loads(row["priority_parts"])["user_impact"] == 25.0


@pytest.mark.parametrize(
    ("touched", "points"),
    [
        ({"resource_type": "file", "parent_table": "sn_hr_core_case"}, 15.0),
        ({"resource_type": "sys_user_has_role"}, 15.0),
        ({"resource_type": "kb_knowledge"}, 4.0),
        ({"resource_type": "incident"}, 6.0),
        ({"resource_type": None}, 0.0),
    ],
)
def test_the_asset_is_the_most_sensitive_table_touched(touched: dict[str, Any], points: float) -> None:
    activity = {
        "instance": INSTANCE,
        "activity_uid": "sysevent:e1",
        "time": datetime.fromisoformat("2026-11-01 10:00:00"),
    } | touched
    row = scored(
        detection("a", "2026-11-01 10:00:00"), activities=[activity], proof=evidence(("a", "e1", "2026-11-01 10:00:00"))
    )[0]

    assert json.loads(row["priority_parts"])["asset"] == points


def test_priority_is_the_sum_of_its_parts_and_at_most_a_hundred() -> None:
    activity = {"instance": INSTANCE, "activity_uid": "sysevent:e1", "resource_type": "sn_hr_core_case"}
    traits = [seen(f"c{i}", "country", "DE", OLD, "2026-10-31") for i in range(20)]
    row = scored(
        detection("a", "2026-11-01 10:00:00", severity="high", trait_kind="country", trait_value="BR"),
        people=[user("u1", is_privileged=True)],
        traits=traits,
        activities=[activity],
        proof=evidence(("a", "e1", "2026-11-01 10:00:00")),
    )[0]

    assert row["priority"] == sum(json.loads(row["priority_parts"]).values()) == 100.0


def test_views_that_do_not_exist_leave_flags_null() -> None:
    found = score(
        duckdb.connect(), INSTANCE, DAY, detections(detection("a", "2026-11-01 10:00:00")), evidence()
    ).to_pylist()[0]

    assert found["is_first_for_user"] is None
    assert found["risk_score"] == 100 * PRIORS["impossible_travel"]


def test_no_detections_give_an_empty_table() -> None:
    assert scored() == []


def test_the_prior_of_each_policy_is_a_probability() -> None:
    assert all(0.3 <= p <= 0.97 and math.isfinite(log_odds(p)) for p in PRIORS.values())
