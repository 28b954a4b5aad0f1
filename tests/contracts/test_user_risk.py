"""`mart.user_risk` and `mart.alert_attributions` over rows made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from tests.contracts.marts import fill, marts

INSTANCE = "acme"
DAY = date(2026, 11, 2)
STORED = {"alert": "out__alert", "user_day": "core__user", "model_score": "out__model_score",
          "model_attribution": "out__model_attribution"}  # fmt: skip
PARTS = '{"severity":25.0,"user_impact":8.0,"popularity":10.0,"asset":7.0}'


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with marts(STORED, ("user_risk", "alert_attributions")) as made:
        yield made


def put(con: duckdb.DuckDBPyConnection, stored: str, *rows: Mapping[str, Any]) -> None:
    fill(con, stored, STORED[stored], [{"instance": INSTANCE, "event_date": DAY, **row} for row in rows])


def user(uid: str, **values: Any) -> dict[str, Any]:
    return {"user_uid": uid, "event_date": date(2026, 11, 20), **values}


def alert(uid: str, actor: str, **values: Any) -> dict[str, Any]:
    at = datetime.combine(DAY, datetime.min.time())
    return {"alert_uid": uid, "actor_user_uid": actor, "actor_user_uids": [actor], "risk_score": 80.0, "is_summary": False,
            "priority_parts": PARTS, "first_seen": at, "last_seen": at, "model_revision": "r1", **values}  # fmt: skip


def score(actor: str, risk: float, percentile: float, **values: Any) -> dict[str, Any]:
    return {"model_id": "m", "model_revision": "r1", "user_uid": actor, "depth": 10 - risk / 10, "risk_score": risk,
            "percentile": percentile, "peer_group": "organisation", **values}  # fmt: skip


def risks(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, dict[str, Any]]:
    rows = (
        con.sql("SELECT * FROM mart.user_risk WHERE event_date = $day", params={"day": day})
        .to_arrow_table()
        .to_pylist()
    )
    return {row["actor_user_uid"]: row for row in rows}


def test_the_parts_of_the_priority_sum_to_its_points(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "user_day", user("ann"), user("bob"), user("cem"))
    put(con, "alert", alert("a1", "ann"), alert("a2", "ann"))
    put(con, "model_score", score("ann", 90.0, 99.0), score("bob", 10.0, 40.0))

    found = risks(con, DAY)

    parts = ("severity_7d", "user_impact_7d", "popularity_7d", "asset_7d", "model_7d")
    assert found["ann"]["points_7d"] == pytest.approx(sum(found["ann"][name] for name in parts))
    assert (found["ann"]["severity_7d"], found["ann"]["alert_count"], found["ann"]["alert_count_7d"]) == (50.0, 2, 2)
    assert 0 < found["ann"]["priority_7d"] < 100
    assert found["ann"]["risk_score"] > 96
    assert (found["bob"]["points_7d"], found["bob"]["risk_score"] < 1) == (0.0, True)
    assert found["ann"]["percentile"] > found["bob"]["percentile"]


def test_an_alert_counts_for_seven_days_and_the_day_alone_forgets_it(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "user_day", user("ann"))
    put(con, "alert", alert("a1", "ann"))

    sixth, seventh = risks(con, date(2026, 11, 8)), risks(con, date(2026, 11, 9))

    assert (sixth["ann"]["alert_count"], sixth["ann"]["alert_count_7d"], sixth["ann"]["risk_score"]) == (0, 1, 0.0)
    assert seventh == {}


def test_a_lasting_alert_makes_each_of_its_days_risky_and_gives_its_points_once(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "user_day", user("ann"))
    put(con, "alert", alert("a1", "ann", first_seen=datetime(2026, 10, 31, 23), last_seen=datetime(2026, 11, 2, 1)))

    found = {
        day: risks(con, day).get("ann") for day in (date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1), DAY)
    }

    assert [row and (row["risk_score"], row["alert_count"], row["points_7d"]) for row in found.values()] == [
        None, (pytest.approx(80.0), 0, 0.0), (pytest.approx(80.0), 0, 0.0), (pytest.approx(80.0), 1, 50.0),
    ]  # fmt: skip


def test_power_weighs_what_the_model_says_and_a_false_positive_adds_nothing(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "user_day", user("ann", is_privileged=True, role_names=["admin"] * 4), user("bob"))
    put(con, "alert", alert("a1", "bob", classification="false_positive"))
    put(con, "model_score", score("ann", 99.0, 99.5), score("bob", 99.0, 99.5))

    found = risks(con, DAY)

    assert found["ann"]["user_impact"] == 26.0
    assert found["ann"]["model_7d"] > found["bob"]["model_7d"] > 0
    assert (found["bob"]["alert_count"], found["bob"]["severity_7d"]) == (0, 0.0)


def test_an_alert_shows_the_attributions_of_its_strangest_day(con: duckdb.DuckDBPyConnection) -> None:
    later = date(2026, 11, 3)
    put(con, "alert", alert("a1", "ann", last_seen=datetime(2026, 11, 3, 9)), alert("a2", "ann", model_revision=None))
    put(con, "model_score", score("ann", 60.0, 99.0), score("ann", 90.0, 99.9, event_date=later))
    of = {"model_id": "m", "model_revision": "r1", "user_uid": "ann", "value": 9.0, "baseline": 1.0}
    put(con, "model_attribution", {**of, "feature": "files", "contribution": -0.2},
        {**of, "feature": "exports", "contribution": -0.3, "event_date": later})  # fmt: skip

    rows = con.execute("SELECT alert_uid, feature, scored_on, model_score FROM mart.alert_attributions").fetchall()

    assert rows == [("a1", "exports", later, 90.0)]
