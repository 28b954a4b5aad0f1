"""The truth file: complete, inside its users and times, and seen in the rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from pipelines.emulator.organisation import World
from pipelines.emulator.organisation.scenarios import SCENES, policy_ids

TEN = {
    "anonymous_ip_activity", "infrequent_country_activity", "suspicious_ip_activity", "impossible_travel",
    "terminated_user_activity", "multiple_failed_logins", "ransomware_activity", "unusual_file_downloads", "risky_ip_logon",
    "mass_download_by_single_user",
}  # fmt: skip
KNOWN = {value for name, value in vars(policy_ids).items() if name.isupper()}


def incidents(world: World, kind: str = "") -> list[dict[str, Any]]:
    return [incident for incident in world.truth["incidents"] if not kind or incident["kind"] == kind]


def named(world: World, scene: str) -> dict[str, Any]:
    return next(incident for incident in incidents(world) if incident["scene"] == scene)


def test_every_scene_takes_place_once(world: World) -> None:
    assert {scene.name for scene in SCENES} <= {incident["scene"] for incident in incidents(world)}
    assert len({incident["id"] for incident in incidents(world)}) == len(incidents(world))


def test_every_policy_of_the_ten_has_attacks_and_look_alikes(world: World) -> None:
    attacked = {policy for incident in incidents(world, "attack") for policy in incident["policies"]}
    tempted = {
        policy for incident in incidents(world, "benign") for policy in incident["tempts"] + incident["policies"]
    }
    assert attacked >= TEN
    assert tempted >= TEN
    assert attacked | tempted <= KNOWN


def test_attacks_come_in_all_difficulties(world: World) -> None:
    assert {incident["difficulty"] for incident in incidents(world, "attack")} == {"easy", "medium", "hard", "expert"}


def test_an_incident_names_its_users_and_lies_inside_the_period(world: World) -> None:
    names = dict(world.tables["sys_user"].select("sys_id", "user_name").iter_rows())
    for incident in incidents(world):
        assert incident["user_names"], incident["id"]
        assert world.start <= incident["start"] <= incident["end"] < world.end, incident["id"]
        for sys_id, name in zip(incident["users"], incident["user_names"], strict=True):
            assert not sys_id or names[sys_id] == name, incident["id"]


def test_nobody_plays_in_two_attacks_on_the_same_day(world: World) -> None:
    days: dict[tuple[str, Any], str] = {}
    for incident in incidents(world, "attack"):
        for user in incident["users"]:
            key = (user, incident["start"].date())
            assert not user or key not in days, (incident["id"], days.get(key))
            days[key] = incident["id"]


def test_attacks_leave_rows_of_their_users_in_their_time(
    world: World, requests: pl.DataFrame, events: pl.DataFrame
) -> None:
    spoken = pl.concat(
        [
            requests.select("time", who="sys_created_by"),
            events.select("time", who="sys_created_by"),
            events.select("time", who="parm1"),
        ]
    )
    for incident in incidents(world, "attack"):
        own = spoken.filter(
            pl.col("who").is_in(incident["user_names"]), pl.col("time").is_between(incident["start"], incident["end"])
        )
        assert own.height, incident["id"]


def test_mass_downloads_exceed_fifty_in_a_minute(world: World, requests: pl.DataFrame) -> None:
    for scene in ("copy_burst", "copy_over_minute", "copy_over_midnight", "copy_through_api", "discovery", "resync"):
        incident = named(world, scene)
        times = requests.filter(pl.col("file").is_not_null(), pl.col("sys_created_by") == incident["user_names"][0])
        window = times.filter(pl.col("time").is_between(incident["start"], incident["end"])).sort("time")["time"]
        fifty_first = window.shift(-50) - window
        assert fifty_first.min() < timedelta(seconds=60), scene  # type: ignore[operator]


@pytest.mark.parametrize("scene", ["copy_over_minute", "copy_over_midnight"])
def test_straddling_bursts_stay_under_fifty_in_each_clock_minute(
    world: World, requests: pl.DataFrame, scene: str
) -> None:
    incident = named(world, scene)
    own = requests.filter(
        pl.col("file").is_not_null(), pl.col("sys_created_by") == incident["user_names"][0],
        pl.col("time").is_between(incident["start"], incident["end"]),
    )  # fmt: skip
    assert own.group_by(pl.col("time").dt.truncate("1m")).len()["len"].max() <= 50  # type: ignore[operator]


def test_failed_bursts_exceed_ten_in_five_minutes_but_slow_guessing_never_does(
    world: World, events: pl.DataFrame
) -> None:
    def most(scene: str) -> int:
        incident = named(world, scene)
        failed = events.filter(pl.col("name") == "login.failed", pl.col("parm1") == incident["user_names"][0])
        times = failed.filter(pl.col("time").is_between(incident["start"], incident["end"])).sort("time")
        return int(times.rolling("time", period="5m").agg(pl.len().alias("n"))["n"].max())  # type: ignore[arg-type]

    assert all(
        most(scene) > 10 for scene in ("guess_burst", "guess_over_boundary", "guess_over_midnight", "guess_then_in")
    )
    assert most("guess_slowly") <= 2
    assert most("guess_patiently_in") <= 2


def test_midnight_bursts_touch_two_days(world: World) -> None:
    for scene in ("copy_over_midnight", "guess_over_midnight"):
        incident = named(world, scene)
        assert incident["start"].date() < incident["end"].date()


def test_sprays_try_many_accounts_from_one_address(world: World, events: pl.DataFrame) -> None:
    incident = named(world, "spray")
    failed = events.filter(
        pl.col("name") == "login.failed", pl.col("time").is_between(incident["start"], incident["end"]),
        pl.col("parm1").is_in(incident["user_names"]),
    )  # fmt: skip
    source = (
        failed.group_by("parm2")
        .agg(pl.col("parm1").n_unique().alias("users"), pl.len().alias("tries"))
        .sort("users")[-1]
    )
    assert source["users"].item() >= 30
    assert source["tries"].item() / source["users"].item() <= 2


def test_a_listing_may_come_after_the_use(world: World, events: pl.DataFrame) -> None:
    incident = named(world, "listed_later")
    source = events.filter(
        pl.col("name") == "login", pl.col("parm1") == incident["user_names"][0], pl.col("time") == incident["start"]
    )
    listing = next(line for line in world.listings if line.indicator == source["parm2"].item())
    assert listing.category == "botnet"
    assert listing.first_seen > str(incident["end"])


def test_leavers_have_no_ordinary_life_after_their_end(world: World, requests: pl.DataFrame) -> None:
    ended = {
        change.sys_id: change.at
        for change in world.directory
        if change.values is None or change.values.get("accountEnabled") == "false"
    }
    returned = {
        change.sys_id
        for change in world.directory
        if (change.values or {}).get("accountEnabled") == "true" and change.at >= world.start
    }
    excused = {
        user
        for incident in incidents(world)
        if incident["scene"].startswith(("leaver", "last_minutes", "jobs", "off_by"))
        for user in incident["users"]
    }
    names = dict(world.tables["sys_user"].select("sys_id", "user_name").iter_rows())
    for sys_id, at in ended.items():
        if sys_id not in returned | excused:
            late = requests.filter(
                pl.col("sys_created_by") == names[sys_id],
                pl.col("time") > at + timedelta(hours=6),
                pl.col("type") != "scheduler",
            )
            assert late.height == 0, names[sys_id]


def test_the_last_night_has_attacks_for_the_demo(world: World) -> None:
    last = world.end - timedelta(days=1)
    policies = {
        policy for incident in incidents(world, "attack") if incident["end"] >= last for policy in incident["policies"]
    }
    assert {
        "impossible_travel",
        "multiple_failed_logins",
        "mass_download_by_single_user",
        "anonymous_ip_activity",
    } <= policies


def test_nobody_plays_while_gone(world: World) -> None:
    left = ("leaver_", "jobs_of_a_leaver", "last_minutes")
    gone = {incident["users"][0]: incident for incident in incidents(world) if incident["scene"].startswith(left)}
    for incident in incidents(world):
        for sys_id in incident["users"]:
            if sys_id in gone and incident["scene"] in {scene.name for scene in SCENES}:
                assert incident["start"] <= gone[sys_id]["start"] or incident is gone[sys_id], incident["id"]


def test_a_last_session_that_outlasts_the_account_is_in_the_truth(world: World) -> None:
    for incident in (one for one in incidents(world) if one["scene"] == "last_day"):
        assert incident["policies"] == ["terminated_user_activity"]
        assert any(
            change.sys_id == incident["users"][0]
            and change.values == {"accountEnabled": "false"}
            and incident["start"] <= change.at <= incident["end"]
            for change in world.directory
        )
