"""`mart.access` and `mart.exposed_resources` over rows made by hand: what stands beside an account and a resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from tests.contracts.marts import fill, marts

INSTANCE, DAY = "acme", date(2026, 3, 4)
STORED = {
    "alert": "out__alert", "user_day": "core__user", "access": "out__access", "posture": "out__posture",
    "exposed_resource": "out__exposed_resource",
}  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with marts(STORED, ("access", "exposed_resources")) as made:
        yield made


def put(con: duckdb.DuckDBPyConnection, stored: str, *rows: Mapping[str, Any]) -> None:
    fill(con, stored, STORED[stored], [{"instance": INSTANCE, "event_date": DAY, **row} for row in rows])


def rows(con: duckdb.DuckDBPyConnection, view: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.sql(f"FROM mart.{view} ORDER BY ALL").to_arrow_table().to_pylist()
    return found


def way(user: str, **values: Any) -> dict[str, Any]:
    return {"user_uid": user, "role": "admin", "how": "direct", "entry_uid": "r", "is_active": True, **values}


def alert(uid: str, day: int, **values: Any) -> dict[str, Any]:
    base = {
        "alert_uid": uid,
        "status": "new",
        "is_summary": False,
        "risk_score": 10.0 * day,
        "last_seen": datetime(2026, 3, day),
    }
    return {**base, **values}


def test_alerts_of_an_account_stand_beside_each_of_its_ways_once(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "access", way("ann"), way("ann", how="group", entry_uid="g"), way("bob"))
    put(
        con, "alert",
        alert("1", 1, actor_user_uid="ann", actor_user_uids=["ann"]),
        alert("2", 3, actor_user_uids=["ann", "zoe"], status="closed"),
        alert("3", 4, actor_user_uid="ann", classification="false_positive", status="closed"),
        alert("4", 4, actor_user_uid="ann", is_summary=True),
        alert("5", 4, actor_user_uid="ann", instance="other"),
    )  # fmt: skip

    found = rows(con, "access")

    said = {
        (row["user_uid"], row["how"]): (
            row["alert_count"],
            row["open_alert_count"],
            row["last_alert_at"],
            row["highest_risk_score"],
        )
        for row in found
    }
    anns = (2, 1, datetime(2026, 3, 3), 30.0)
    assert said == {("ann", "direct"): anns, ("ann", "group"): anns, ("bob", "direct"): (0, 0, None, None)}
    assert len(found) == 3


def test_a_resource_stands_beside_its_recommendation_and_the_name_of_its_account(
    con: duckdb.DuckDBPyConnection,
) -> None:
    resource = {
        "control_id": "c",
        "ref": "D42",
        "finding": "f",
        "resource_type": "t",
        "since": DAY,
        "account_uid": "ann",
    }
    put(
        con,
        "exposed_resource",
        {**resource, "resource_uid": "1"},
        {**resource, "resource_uid": "2", "account_uid": None},
    )
    put(con, "posture", {"control_id": "c", "title": "As it should be", "remediation": "Do it.", "excepted_by": "eve"},
        {"control_id": "c", "title": "An older day", "event_date": date(2026, 3, 3)})  # fmt: skip
    put(
        con,
        "user_day",
        {"user_uid": "ann", "user_name": "ann.now"},
        {"user_uid": "ann", "user_name": "old", "event_date": date(2026, 3, 1)},
    )

    found = rows(con, "exposed_resources")

    assert [(r["resource_uid"], r["title"], r["account_name"], r["excepted_by"]) for r in found] == [
        ("1", "As it should be", "ann.now", "eve"),
        ("2", "As it should be", None, "eve"),
    ]


def test_before_the_first_snapshot_both_are_empty(con: duckdb.DuckDBPyConnection) -> None:
    assert (rows(con, "access"), rows(con, "exposed_resources")) == ([], [])
