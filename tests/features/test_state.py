"""state(D) = f(state(D-1), day D): however the days are cut, the result is that of one look over everything."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.features.places import LOOSE
from pipelines.policies.cases import CITIES, DAY, activity
from pipelines.policies.core import Row
from tests.features.nights import Nights

DAYS = [DAY + timedelta(days=n) for n in range(3)]
CON = duckdb.connect(config={"threads": 1})


def acts(*, days: int = 3) -> st.SearchStrategy[Row]:
    """An activity of one of three people, somewhere, some time in the period."""
    return st.builds(
        lambda user, day, second, city, name, ip, categories, device, nth: activity(
            user, f"{day} 00:00:00", name, later=second, city=city, src_ip=ip, asn=64500 + len(city), nth=nth,
            ip_categories=categories, device_key=device, status="failure" if name == "login_failed" else "success",
        ),
        user=st.sampled_from(["ann", "bob", "cem"]),
        day=st.integers(0, days - 1),
        second=st.integers(0, 86_399),
        city=st.sampled_from(sorted(CITIES)),
        name=st.sampled_from(["login", "login_failed", "page_viewed", "file_downloaded", "logout"]),
        ip=st.sampled_from(["203.0.113.1", "203.0.113.2", "2001:db8::1"]),
        categories=st.sampled_from([[], [], ["vpn"], ["corporate"], ["hosting"], ["tor"]]),
        device=st.sampled_from(["a", "b"]),
        nth=st.integers(0, 3),
    )  # fmt: skip


def distinct(rows: list[Row]) -> list[Row]:
    return list({row.values["activity_uid"]: row for row in rows}.values())


def by_day(rows: list[Row]) -> dict[date, list[Row]]:
    days: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        days[row.values["event_date"]].append(row)
    return days


def nights(rows: list[Row], days: list[date] = DAYS, *only: str) -> Nights:
    return Nights(CON, only=only).build(by_day(rows), days)


few = settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
histories = st.lists(acts(), max_size=25).map(distinct)


@few
@given(histories, acts())
def test_a_late_row_gives_what_a_run_from_scratch_gives(rows: list[Row], late: Row) -> None:
    known = [row for row in rows if row.values["activity_uid"] != late.values["activity_uid"]]
    run = nights(known)

    changed = late.values["event_date"]
    run.build(by_day([*known, late]), [day for day in DAYS if day >= changed])

    assert run.partitions == nights([*known, late]).partitions


@few
@given(histories)
def test_running_a_day_again_gives_the_same_rows(rows: list[Row]) -> None:
    run = nights(rows)
    first = dict(run.partitions)

    run.build(by_day(rows), DAYS[1:])

    assert run.partitions == first


@few
@given(histories, st.randoms())
def test_the_order_of_rows_within_a_day_does_not_matter(rows: list[Row], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)

    assert nights(rows).partitions == nights(shuffled).partitions


@few
@given(histories)
def test_legs_found_day_by_day_are_those_of_one_look_over_all_days(rows: list[Row]) -> None:
    run = nights(rows, DAYS, "feat__travel_leg", "state__user_place")
    found = [leg for day in DAYS for leg in run.rows("feat__travel_leg", day)]

    assert {(leg["from_activity_uid"], leg["to_activity_uid"]) for leg in found} == expected_legs(rows)


def expected_legs(rows: list[Row]) -> set[tuple[str, str]]:
    located = sorted(
        (v["actor_user_uid"], v["time"], v["activity_uid"], (v["country"], v["city"]), egress(v))
        for v in (row.values for row in rows)
        if v["status"] == "success" and v["activity_name"] != "logout"
    )
    firm = [place for place in located if place[4] not in LOOSE]
    return pairs(firm) | pairs(located, keep_loose=True)


def pairs(places: list[tuple[Any, ...]], *, keep_loose: bool = False) -> set[tuple[str, str]]:
    return {
        (one[2], other[2])
        for one, other in itertools.pairwise(places)
        if one[0] == other[0] and one[3] != other[3] and (not keep_loose or one[4] in LOOSE or other[4] in LOOSE)
    }


def egress(values: Any) -> str:
    return {"vpn": "vpn", "corporate": "corporate", "hosting": "hosting", "tor": "anonymous"}.get(
        "".join(values["ip_categories"]), "line"
    )


@few
@given(histories)
def test_memory_carried_over_days_is_that_of_all_days_at_once(rows: list[Row]) -> None:
    run = nights(rows, DAYS, "state__seen")
    seen = {(s["user_uid"], s["kind"], s["value"]): s for s in run.rows("state__seen", DAYS[-1])}

    shown: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for values in (row.values for row in rows if row.values["status"] == "success"):
        for user in (values["actor_user_uid"], "*"):
            shown[user, "ip", values["src_ip"]].append(values["time"])
            shown[user, "device", values["device_key"]].append(values["time"])
            if egress(values) not in LOOSE:
                shown[user, "country", values["country"]].append(values["time"])
    kept = {key: s for key, s in seen.items() if key[1] in ("ip", "device", "country")}
    assert kept.keys() == shown.keys()
    for key, times in shown.items():
        assert (kept[key]["first_seen"], kept[key]["last_seen"]) == (min(times), max(times))
        assert kept[key]["day_count"] == len({time.date() for time in times})


@few
@given(histories)
def test_a_day_without_activity_leaves_no_hole(rows: list[Row]) -> None:
    quiet = DAYS[1]
    rest = [row for row in rows if row.values["event_date"] != quiet]

    with_it, without_it = nights(rest), nights(rest, [day for day in DAYS if day != quiet])

    for name in ("feat__travel_leg", "state__seen", "state__user_place", "state__user_tenure", "feat__user_day"):
        assert with_it.partitions[name, DAYS[2]] == without_it.partitions[name, DAYS[2]]


def test_mail_that_comes_in_is_no_use_of_the_account() -> None:
    mail = activity("ann", "0 09:00:00", "email_received", src_ip=None, device_key=None)
    both = [mail, activity("bob", "0 10:00:00", "email_received"), activity("bob", "0 08:00:00", "login")]

    run = nights(both, DAYS[:1], "state__user_tenure")

    known = run.partitions["state__user_tenure", DAYS[0]].to_pylist()
    assert [(row["user_uid"], f"{row['last_seen']:%H:%M}") for row in known] == [("uid-bob", "08:00")]
