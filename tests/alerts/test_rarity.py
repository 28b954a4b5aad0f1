"""The four flags at their boundaries, and null wherever nothing can be compared."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from pipelines.alerts.rarity import FLAGS, rarity_flags
from tests.alerts.rows import detection, detections, seen, seen_table, table, user

DAY = date(2026, 11, 1)
OLD = "2026-01-01"


def flags_of(rows: list[dict[str, Any]], people: list[dict[str, Any]], **trait: Any) -> dict[str, Any]:
    con = duckdb.connect()
    con.register(
        "d",
        detections(detection("x", "2026-11-01 10:00:00", **({"trait_kind": "country", "trait_value": "BR"} | trait))),
    )
    con.register("s", seen_table(rows))
    con.register("u", table("core__user", people))
    found = rarity_flags(con, DAY, detections="d", seen="s", users="u").to_dicts()
    return found[0] if found else dict.fromkeys(FLAGS)


def colleagues(count: int, value: str, last: str = "2026-10-30") -> list[dict[str, Any]]:
    return [seen(f"c{i}", "country", value, OLD, last) for i in range(count)]


def team(count: int) -> list[dict[str, Any]]:
    return [user("u1"), *(user(f"c{i}") for i in range(count))]


def test_a_country_nobody_has_shown_is_new_and_uncommon_at_every_level() -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(30, "DE")]

    flags = flags_of(rows, team(30))

    assert [flags[f] for f in FLAGS] == [True, True, True, True]
    assert flags["organisation_share"] == 0


def test_everything_is_null_without_history() -> None:
    assert [flags_of([], team(30))[f] for f in FLAGS] == [None] * 4


def test_everything_is_null_without_a_trait() -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(30, "DE")]

    assert [flags_of(rows, team(30), trait_value=None)[f] for f in FLAGS] == [None] * 4


@pytest.mark.parametrize(("first", "expected"), [("2026-10-25", True), ("2026-10-26", None)])
def test_a_user_is_comparable_after_seven_days_of_history(first: str, expected: bool | None) -> None:
    rows = [seen("u1", "country", "DE", first, "2026-10-31"), *colleagues(30, "DE")]

    assert flags_of(rows, team(30))["is_first_for_user"] is expected


@pytest.mark.parametrize(("last", "expected"), [("2026-08-03", False), ("2026-08-02", True)])
def test_a_country_is_first_again_after_ninety_days(last: str, expected: bool) -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), seen("u1", "country", "BR", OLD, last)]

    assert flags_of(rows, team(0))["is_first_for_user"] is expected


@pytest.mark.parametrize(("peers", "expected"), [(4, None), (5, True)])
def test_peers_are_compared_from_five_on(peers: int, expected: bool | None) -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(peers, "DE")]

    assert flags_of(rows, team(peers))["is_uncommon_among_peers"] is expected


def test_peers_without_a_department_are_no_peers() -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(30, "DE")]
    people = [user(row["user_uid"], department="") for row in team(30)]

    assert flags_of(rows, people)["is_uncommon_among_peers"] is None


@pytest.mark.parametrize(("holders", "expected"), [(1, False), (0, True)])
def test_five_percent_of_the_organisation_make_a_trait_common(holders: int, expected: bool) -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(20, "DE")]
    rows += [seen(f"c{i}", "country", "BR", OLD, "2026-10-02") for i in range(holders)]

    assert flags_of(rows, team(20))["is_uncommon_in_organisation"] is expected


def test_the_users_own_habit_does_not_make_a_trait_common() -> None:
    rows = [seen("u1", "country", "BR", OLD, "2026-10-31"), *colleagues(20, "DE")]

    flags = flags_of(rows, team(20))

    assert flags["is_uncommon_in_organisation"] is True
    assert flags["is_first_for_user"] is False
    assert flags["is_first_in_organisation"] is False


def test_rows_of_the_organisation_count_for_the_first_sight_but_not_as_people() -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(20, "DE"), seen("*", "country", "BR", OLD, "2026-10-01"),
            seen("department:d1", "country", "BR", OLD, "2026-10-01")]  # fmt: skip

    flags = flags_of(rows, team(20))

    assert flags["is_first_in_organisation"] is False
    assert flags["is_uncommon_in_organisation"] is True


def test_a_campaign_is_compared_with_the_organisation_only() -> None:
    rows = colleagues(30, "DE")

    flags = flags_of(rows, team(30), actor_user_uid=None)

    assert [flags[f] for f in FLAGS] == [None, None, True, True]


def test_hostile_values_are_only_values() -> None:
    rows = [seen("u1", "country", "DE", OLD, "2026-10-31"), *colleagues(12, "DE")]

    assert flags_of(rows, team(12), trait_value="'); DROP TABLE s; --")["is_first_for_user"] is True
