"""What makes a day unlike the person's own days and the colleagues', and what a wild day teaches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.features.user_profile import LEARNING_DAYS
from pipelines.policies.cases import DAY, activity, download, login
from pipelines.policies.core import Row
from tests.features.nights import Nights

FIRST = DAY - timedelta(days=40)
PROFILE = "feat__user_day_profile"
CARRIED = ("state__user_profile", "state__habit", "state__seen", "state__user_place")
PEOPLE = ("ann", "bob", "cem", "dee", "eve")
WHEN = {"department": "d1"}


def ordinary(name: str, nth: int, files: int = 2) -> list[Row]:
    """A working day: a login at eight, some files, some records."""
    day = str((FIRST - DAY).days + nth)
    return [
        login(name, f"{day} 08:00", **WHEN),
        *(download(name, f"{day} 09:00", nth=n, later=60 * n, file=f"f{n}", bytes=60_000, **WHEN) for n in range(files)),
        *(
            activity(name, f"{day} 10:00", "record_viewed", nth=n, resource_type="incident", resource_uid=f"r{n}", **WHEN)
            for n in range(5)
        ),
    ]  # fmt: skip


def carried(rows: dict[date, list[Row]], only: tuple[str, ...] = CARRIED) -> Nights:
    """What the days hand on; nothing reads the profiles of days gone by."""
    return Nights(only=only).build(rows, sorted(rows))


def then(before: Nights, nth: int, last: Iterable[Row], *also: str) -> Nights:
    """The `nth` day after what was carried until then: its profiles, and the states `also` asked for."""
    when = FIRST + timedelta(days=nth)
    return Nights(partitions=dict(before.partitions), only=(PROFILE, *also)).build({when: list(last)}, [when])


@pytest.fixture(scope="module")
def department() -> Nights:
    """Nine ordinary days of a department."""
    return carried({FIRST + timedelta(days=n): [r for name in PEOPLE for r in ordinary(name, n)] for n in range(9)})


def last_day(run: Nights, user: str, days: int) -> dict[str, Any]:
    rows = run.rows(PROFILE, FIRST + timedelta(days=days))
    return next(row for row in rows if row["user_uid"] == f"uid-{user}")


@pytest.fixture(scope="module")
def steady(department: Nights) -> Nights:
    return then(department, 9, [*ordinary("ann", 9), *ordinary("bob", 9, files=12), *ordinary("new", 9)])


def test_an_ordinary_day_is_at_no_distance(steady: Nights) -> None:
    day = last_day(steady, "ann", 9)

    assert day["known_days"] == 9
    assert {name: day[name] for name in ("files_over_own", "records_over_own", "files_over_peers")} == dict.fromkeys(
        ("files_over_own", "records_over_own", "files_over_peers"), pytest.approx(0, abs=0.05)
    )
    assert day["rare_hour_activities"] == day["new_tables"] == day["new_traits"] == 0


def test_a_day_of_many_files_is_far_from_own_days_and_from_the_colleagues(steady: Nights) -> None:
    day = last_day(steady, "bob", 9)

    assert day["files"] == 12
    assert 3 < day["files_over_own"] < 6
    assert day["files_over_peers"] == pytest.approx(day["files_over_own"], rel=0.1)


def test_somebody_new_is_compared_with_colleagues_only(steady: Nights) -> None:
    day = last_day(steady, "new", 9)

    assert day["known_days"] == 0
    assert day["files_over_own"] == 0
    assert day["rare_hour_activities"] == day["new_traits"] == 0


def test_hours_tables_programs_and_traits_are_told_apart() -> None:
    strange = [
        activity("ann", f"{(FIRST - DAY).days + 12} 23:00", "record_viewed", nth=n, resource_type=table, resource_uid=f"x{n}",
                 agent_family="curl", country="BR", asn=65000, device_key="other", **WHEN)
        for n, table in enumerate(["sn_hr_core_case", "incident", "sys_user"])
    ]  # fmt: skip
    known = activity("bob", str((FIRST - DAY).days + 11) + " 12:00", "record_viewed", resource_type="sys_user", **WHEN)
    rows = {FIRST + timedelta(days=n): [r for name in ("ann", "bob") for r in ordinary(name, n)] for n in range(12)}
    rows[FIRST + timedelta(days=11)].append(known)
    day = last_day(then(carried(rows), 12, strange), "ann", 12)

    assert (day["rare_hour_activities"], day["rare_table_activities"]) == (3, 2)
    assert (day["new_tables"], day["peer_new_tables"], day["organisation_new_tables"]) == (2, 1, 1)
    assert (day["new_agents"], day["new_traits"], day["organisation_new_traits"]) == (1, 3, 3)
    assert day["country_rarity"] > 2


def test_one_wild_day_hardly_moves_what_is_ordinary(department: Nights) -> None:
    def profile(last: list[Row]) -> dict[str, Any]:
        run = then(department, 9, last, "state__user_profile")
        rows = run.rows("state__user_profile", FIRST + timedelta(days=9))
        return next(row for row in rows if row["user_uid"] == "uid-ann")

    quiet, wild = profile(ordinary("ann", 9)), profile(ordinary("ann", 12, files=200))

    assert wild["files_center"] - quiet["files_center"] < 0.15
    assert wild["files_anchor"] - quiet["files_anchor"] < 0.1


def test_the_first_days_are_learned_in_full(department: Nights) -> None:
    last = LEARNING_DAYS - 1
    run = then(department, last, ordinary("ann", last), "state__user_profile")
    rows = run.rows("state__user_profile", FIRST + timedelta(days=last))

    ann = next(row for row in rows if row["user_uid"] == "uid-ann")
    assert ann["files_center"] == pytest.approx(1.0986, abs=0.001)  # log of 1 + 2
    assert ann["day_count"] == LEARNING_DAYS


def test_a_slow_ramp_leaves_the_slow_reference_behind() -> None:
    growth = [round(2 * 1.05**week) for week in range(32)]
    days = [ordinary("ann", n, files=files) for n, files in enumerate(growth)]
    before = {FIRST + timedelta(days=n): rows for n, rows in enumerate(days[:-1])}
    run = then(carried(before, ("state__user_profile",)), len(before), days[-1])
    day = last_day(run, "ann", len(before))

    assert day["files_over_year"] > day["files_over_own"] > 0


def test_sessions_are_counted_apart() -> None:
    rows = [
        login("ann", "08:00", session_uid="s1"),
        download("ann", "08:10", file="f1", bytes=10, session_uid="s1"),
        download("ann", "08:20", file="f2", bytes=5, session_uid="s2", src_ip="198.51.100.9"),
        download("ann", "08:30", file="f2", bytes=5, session_uid=None),
    ]
    found = Nights(only=("feat__session",)).build({DAY: rows}, [DAY]).rows("feat__session", DAY)

    assert [(r["session_uid"], r["activity_count"], r["download_file_count"], r["bytes_out"]) for r in found] == [
        ("s1", 2, 1, 10),
        ("s2", 1, 1, 5),
    ]
    assert found[0]["duration"] == 600


def test_a_session_says_how_new_and_how_rare_its_place_and_device_are() -> None:
    home = {"country": "DE", "asn": 64500, "device_key": "firefox/linux/pc"}
    away = {"country": "BR", "asn": 64999, "device_key": "opera/windows/pc"}
    before = [login("ann", "-1 08:00", **home), login("bob", "-1 08:00", **home)]
    today = [
        login("ann", "08:00", session_uid="s1", **home),
        login("ann", "09:00", session_uid="s2", **{**home, **away}),
        login("bob", "08:00", session_uid="s3", **home),
    ]
    run = Nights(only=("feat__session", "state__seen")).build(
        {DAY - timedelta(days=1): before, DAY: today}, [DAY - timedelta(days=1), DAY]
    )

    found = {row["session_uid"]: row for row in run.rows("feat__session", DAY)}

    told = {
        uid: [
            row[f"{what}_count"]
            for what in ("new_country", "new_asn", "new_device", "rarest_country_user", "rarest_device_user")
        ]
        for uid, row in found.items()
    }
    assert told == {"s1": [0, 0, 0, 2, 2], "s2": [1, 1, 1, 0, 0], "s3": [0, 0, 0, 2, 2]}
