"""One alert per actor, policy and continuing behaviour: the boundaries of folding."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.alerts.fold import Folded, fold
from pipelines.contracts import contract
from tests.alerts.rows import detection, detections, evidence, published_evidence, table

NONE = evidence()


def folded(*rows: dict[str, Any], proof: pa.Table = NONE, **options: Any) -> Folded:
    return fold(duckdb.connect(), detections(*rows), proof, **options)


def alerts_of(*rows: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    return folded(*rows, **options).alerts.to_pylist()


def test_detections_on_consecutive_days_are_one_alert() -> None:
    alerts = alerts_of(detection("a", "2026-11-01 00:00:00"), detection("b", "2026-11-02 23:59:59"))

    assert len(alerts) == 1
    assert str(alerts[0]["event_date"]) == "2026-11-02"
    assert alerts[0]["day_count"] == 2
    assert alerts[0]["status"] == "new"


def test_a_day_of_silence_ends_the_behaviour() -> None:
    assert len(alerts_of(detection("a", "2026-11-01 23:59:59"), detection("b", "2026-11-03 00:00:00"))) == 2


def test_a_long_detection_bridges_what_lies_within_it() -> None:
    rows = [detection("a", "2026-11-01 10:00:00", until="2026-11-05 10:00:00"), detection("b", "2026-11-02 10:00:00"),
            detection("c", "2026-11-06 10:00:00")]  # fmt: skip

    assert len(alerts_of(*rows)) == 1


@pytest.mark.parametrize(
    "other", [{"policy_id": "infrequent_country_activity"}, {"actor_user_uid": "u2"}, {"instance": "other"}]
)
def test_another_policy_actor_or_instance_is_another_alert(other: dict[str, str]) -> None:
    assert len(alerts_of(detection("a", "2026-11-01 10:00:00"), detection("b", "2026-11-01 10:00:00", **other))) == 2


def test_the_uid_depends_on_the_first_day_and_not_on_later_ones() -> None:
    short = alerts_of(detection("a", "2026-11-01 10:00:00"))
    long = alerts_of(detection("a", "2026-11-01 10:00:00"), detection("b", "2026-11-02 10:00:00"))
    earlier = alerts_of(detection("z", "2026-10-31 10:00:00"), detection("a", "2026-11-01 10:00:00"))

    assert short[0]["alert_uid"] == long[0]["alert_uid"] != earlier[0]["alert_uid"]


def test_the_order_of_detections_makes_no_difference() -> None:
    rows = [
        detection(str(i), f"2026-11-{day:02d} 10:00:00", risk_score=float(i % 3))
        for i, day in enumerate((1, 2, 3, 5, 6, 9))
    ]

    assert folded(*rows).alerts.equals(folded(*reversed(rows)).alerts)


def test_the_riskiest_detection_gives_the_title_and_the_worst_the_severity() -> None:
    alert = alerts_of(
        detection("a", "2026-11-01 10:00:00", risk_score=90.0, severity="low"),
        detection("b", "2026-11-02 10:00:00", risk_score=20.0, severity="high"),
    )[0]

    assert (alert["title"], alert["risk_score"], alert["severity"]) == ("title of a", 90.0, "high")


def test_lists_are_united_and_sorted() -> None:
    alert = alerts_of(
        detection("a", "2026-11-01 10:00:00", src_ips=["203.0.113.9"], countries=None),
        detection("b", "2026-11-01 11:00:00", src_ips=["203.0.113.1", "203.0.113.9"], countries=["DE"]),
    )[0]

    assert alert["src_ips"] == ["203.0.113.1", "203.0.113.9"]
    assert alert["countries"] == ["DE"]


def test_evidence_shared_by_two_detections_counts_once() -> None:
    proof = evidence(
        ("a", "e1", "2026-11-01 10:00:00"), ("a", "e2", "2026-11-01 10:01:00"), ("b", "e2", "2026-11-01 10:01:00")
    )
    found = folded(
        detection("a", "2026-11-01 10:00:00", evidence_count=2), detection("b", "2026-11-01 10:01:00"), proof=proof
    )

    assert found.alerts["evidence_count"].to_pylist() == [2]
    assert published_evidence(found.frames(), proof)["source_uid"].to_pylist() == ["e1", "e2"]


def test_a_row_that_one_detection_names_twice_counts_once() -> None:
    once = evidence(("a", "e1", "2026-11-01 10:00:00")).to_pylist()[0]
    again = once | {"activity_uid": "sysevent:e1:locked", "activity_name": "user_locked"}
    proof = table("out__detection_evidence", [again, once])
    found = folded(detection("a", "2026-11-01 10:00:00", evidence_count=2, repeated_rows=1), proof=proof)

    assert found.alerts["evidence_count"].to_pylist() == [1]
    assert found.alert_detections["is_only"].to_pylist() == [False]
    assert published_evidence(found.frames(), proof)["activity_name"].to_pylist() == ["login"]


def test_evidence_of_an_older_release_is_merged_like_any_other() -> None:
    proof = evidence(("a", "e1", "2026-11-01 10:00:00"), ("a", "e2", "2026-11-01 10:01:00"))
    found = folded(detection("a", "2026-11-01 10:00:00", evidence_count=2, repeated_rows=None), proof=proof)

    assert found.alerts["evidence_count"].to_pylist() == [2]
    assert published_evidence(found.frames(), proof)["source_uid"].to_pylist() == ["e1", "e2"]


def test_a_flag_that_was_ever_true_stays_true_and_unknown_stays_unknown() -> None:
    alert = alerts_of(
        detection("a", "2026-11-01 10:00:00", is_first_for_user=True),
        detection("b", "2026-11-02 10:00:00", is_first_for_user=False),
    )[0]

    assert alert["is_first_for_user"] is True
    assert alert["is_first_in_organisation"] is None


def test_a_campaign_has_no_actor_and_lists_every_victim() -> None:
    campaign = {"actor_user_uid": None, "actor_user_name": None, "trait_kind": "ip", "trait_value": "203.0.113.7"}
    alerts = alerts_of(
        detection("a", "2026-11-01 10:00:00", actor_user_uids=["u2", "u1"], **campaign),
        detection("b", "2026-11-02 10:00:00", actor_user_uids=["u3"], **campaign),
        detection("c", "2026-11-02 10:00:00", actor_user_uids=["u9"], **(campaign | {"trait_value": "203.0.113.8"})),
    )

    assert sorted(alert["actor_user_uids"] for alert in alerts) == [["u1", "u2", "u3"], ["u9"]]
    assert {alert["actor_user_uid"] for alert in alerts} == {None}


def test_unknown_accounts_are_kept_apart_by_the_name_typed() -> None:
    nobody = {"actor_user_uid": None, "actor_user_uids": []}
    alerts = alerts_of(
        detection("a", "2026-11-01 10:00:00", actor_user_name="root", **nobody),
        detection("b", "2026-11-01 11:00:00", actor_user_name="ROOT", **nobody),
        detection("c", "2026-11-01 11:00:00", actor_user_name="toor", **nobody),
    )

    assert len(alerts) == 2


def test_what_a_policy_suppressed_is_a_behavior_with_the_reason() -> None:
    found = folded(
        detection("a", "2026-11-01 10:00:00", suppressed_by="vpn"),
        detection("b", "2026-11-01 11:00:00", suppressed_by="usual_location"),
        detection("c", "2026-11-01 12:00:00"),
    )

    assert found.alerts["title"].to_pylist() == ["title of c"]
    assert sorted(found.behaviors["suppressed_by"].to_pylist()) == ["usual_location", "vpn"]
    assert len(set(found.behaviors["alert_uid"].to_pylist()) | set(found.alerts["alert_uid"].to_pylist())) == 3


def test_no_detections_give_no_rows_and_all_columns() -> None:
    found = folded()

    assert found.alerts.schema.names == list(contract("out__alert").columns)
    assert {name: rows.num_rows for name, rows in found.frames().items()} == dict.fromkeys(found.frames(), 0)


def test_hostile_names_fold_like_any_other() -> None:
    name = "x'; DROP TABLE t;--\x1b[2J\u202e<script>"

    assert (
        alerts_of(detection("a", "2026-11-01 10:00:00", actor_user_uid=None, actor_user_name=name))[0][
            "actor_user_name"
        ]
        == name
    )


def storm(size: int) -> list[dict[str, Any]]:
    return [
        detection(f"d{i}", "2026-11-01 10:00:00", actor_user_uid=f"u{i}", actor_user_uids=[f"u{i}"])
        for i in range(size)
    ]


def test_a_budget_that_is_met_groups_nothing() -> None:
    alerts = alerts_of(*storm(5), budgets={"impossible_travel": 5})

    assert len(alerts) == 5
    assert {alert["group_uid"] for alert in alerts} == {None}


def test_a_flood_is_summarised_and_loses_no_member() -> None:
    proof = evidence(*((f"d{i}", f"e{i}", "2026-11-01 10:00:00") for i in range(6)))
    found = folded(*storm(6), proof=proof, budgets={"impossible_travel": 5})
    alerts = found.alerts.to_pylist()
    summary = next(alert for alert in alerts if alert["is_summary"])

    assert len(alerts) == 7
    assert [a["group_uid"] for a in alerts if not a["is_summary"]] == [summary["alert_uid"]] * 6
    assert "raised 6 alerts on 2026-11-01, more than its daily budget of 5" in summary["title"]
    assert summary["actor_user_uids"] == [f"u{i}" for i in range(6)]
    assert summary["actor_user_uid"] is None
    shown = published_evidence(found.frames(), proof)["alert_uid"].to_pylist()
    assert summary["evidence_count"] == 6 == shown.count(summary["alert_uid"])
    assert len(shown) == 12
