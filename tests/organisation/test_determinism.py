"""Equal arguments give equal worlds, and one part never reshuffles another."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.emulator.organisation import SCENES, Population, World, generate


def small(seed: int = 5, **more: object) -> World:
    return generate(seed, 60, 12, 5, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def first() -> World:
    return small()


def test_equal_arguments_give_equal_worlds(first: World) -> None:
    again = small()
    assert again.tables.keys() == first.tables.keys()
    for name, rows in first.tables.items():
        assert_frame_equal(rows, again.tables[name])
    assert (again.changes, again.truth, again.network, again.accounts) == (
        first.changes,
        first.truth,
        first.network,
        first.accounts,
    )
    assert (again.listings, again.directory) == (first.listings, first.directory)


def test_another_seed_gives_other_people_and_other_days(first: World) -> None:
    other = small(seed=6)
    assert set(other.tables["sys_user"]["user_name"]) != set(first.tables["sys_user"]["user_name"])
    assert not set(other.tables["syslog_transaction"]["sys_id"]) & set(first.tables["syslog_transaction"]["sys_id"])


def test_a_scene_added_at_the_end_leaves_all_other_rows_alone(first: World) -> None:
    fewer = small(scenes=SCENES[:-6])
    for name in ("syslog_transaction", "sysevent", "sys_audit", "sys_attachment", "sys_user"):
        added = first.tables[name].join(fewer.tables[name], on="sys_id", how="anti")
        assert_frame_equal(
            first.tables[name].filter(~pl.col("sys_id").is_in(added["sys_id"].to_list())), fewer.tables[name]
        )
    assert (
        fewer.truth["incidents"][: len(fewer.truth["incidents"]) // 4]
        == first.truth["incidents"][: len(fewer.truth["incidents"]) // 4]
    )


def test_scenes_can_be_left_out_for_a_background_run(first: World) -> None:
    quiet = small(scenes=())
    assert all(incident["kind"] == "benign" for incident in quiet.truth["incidents"])
    assert set(quiet.tables["sys_user"]["sys_id"]) == set(first.tables["sys_user"]["sys_id"])


def test_parameters_change_what_they_name() -> None:
    none = small(
        population=Population(late_share=0.0, very_late_share=0.0, transferred_share=0.0, downloads_a_request=0.0)
    )
    assert none.tables["syslog_transaction"].filter(pl.col("_visible_at") != "").height == 0


def test_volume_grows_with_the_number_of_users(first: World) -> None:
    def human(world: World) -> int:
        machines = pl.col("sys_created_by").str.contains(r"^(svc|mid)\.|^system$")
        return world.tables["syslog_transaction"].filter(~machines).height

    twice = generate(5, 120, 12, 5)
    assert 1.5 < human(twice) / human(first) < 2.6


def test_a_single_day_without_history_works() -> None:
    world = generate(3, 40, 1, 0)
    assert world.tables["syslog_transaction"].height > 500
    assert (world.end - world.start).days == 1


@pytest.mark.parametrize("users", [20, 45, 100])
def test_small_organisations_leave_out_what_they_cannot_play(users: int) -> None:
    world = generate(4, users, 14, 7)
    played = {incident["scene"] for incident in world.truth["incidents"]} & {scene.name for scene in SCENES}
    assert 20 < len(played) <= len(SCENES)


def test_too_few_people_are_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="at least 20 users"):
        generate(1, 5)
