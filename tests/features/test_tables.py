"""What each feature counts, remembers and forgets."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest

from pipelines import features
from pipelines.contracts import contract, registry
from pipelines.features.core import to_sql
from pipelines.features.geography import NEIGHBOURS
from pipelines.features.places import FIRM, LOOSE, at_firm_place, at_office_or_line, egress
from pipelines.policies.cases import DAY, activity, download, failure, login
from pipelines.policies.core import Row
from pipelines.steps.features import CORE
from tests.features.nights import Nights

LISTS = ("corporate", "vpn", "privacy_relay", "tor", "anonymous_proxy", "cloud_provider", "hosting")
ORGS = ("Line Telecom", "Vodafone GmbH", "SITA OnAir", "Own Cloud", "")


def on_one_day(*rows: Row) -> Nights:
    return Nights().build({DAY: list(rows)}, [DAY])


def user_day(*rows: Row) -> dict[str, Any]:
    (row,) = on_one_day(*rows).rows("feat__user_day", DAY)
    return row


def test_every_feature_and_state_contract_has_its_module() -> None:
    declared = {name for name, table in registry().items() if table.layer in ("feat", "state")}

    assert {table.name for table in features.order()} == declared


def test_features_read_contracts_and_earlier_state_only() -> None:
    for feature in features.features().values():
        for name in feature.reads:
            assert name in CORE or name.endswith(features.PREVIOUS)
            assert contract(name.removesuffix(features.PREVIOUS))


def test_an_empty_day_gives_empty_tables_of_the_contracts_types() -> None:
    run = on_one_day()

    for table in features.order():
        assert run.partitions[table.name, DAY].schema.types == table.arrow_schema().types
        assert run.partitions[table.name, DAY].num_rows == 0


def test_a_user_day_counts_verbs_sizes_and_contexts() -> None:
    day = user_day(
        login("ann", "08:00"),
        failure("ann", "07:59"),
        *(download("ann", "09:00", nth=n, file=f"f{n % 2}", bytes=10) for n in range(3)),
        activity("ann", "23:00", "exported", bytes=500, row_count=70, resource_type="incident"),
        activity("ann", "10:00", "file_uploaded", bytes=7, city="Boston", src_ip="198.51.100.1", asn=1),
        activity("ann", "10:01", "role_granted", status="failure"),
        activity("ann", "10:02", "page_viewed", is_impersonated=True, ip_categories=["tor"]),
    )

    assert day | {
        "activity_count": 9, "login_count": 1, "login_failure_count": 1, "failure_count": 1, "download_count": 3,
        "download_file_count": 2, "download_bytes": 30, "export_count": 1, "export_bytes": 500, "export_row_count": 70,
        "upload_count": 1, "country_count": 2, "city_count": 2, "ip_count": 2, "admin_change_count": 0, "impersonated_count": 1,
        "listed_ip_count": 1, "night_activity_count": 1, "active_hour_count": 5, "table_count": 1,
    } == day  # fmt: skip


def test_new_traits_are_those_that_memory_does_not_hold() -> None:
    second = DAY + timedelta(days=1)
    run = Nights().build({DAY: [login("ann", "08:00")]}, [DAY])
    run.build(
        {second: [login("ann", "1 08:00"), login("ann", "1 20:00", city="Boston", asn=1, device_key="new")]}, [second]
    )

    (first,), (later,) = run.rows("feat__user_day", DAY), run.rows("feat__user_day", second)
    assert (first["new_country_count"], first["new_asn_count"], first["new_device_count"]) == (1, 1, 1)
    assert (later["new_country_count"], later["new_asn_count"], later["new_device_count"]) == (1, 1, 1)


@pytest.mark.parametrize(
    "row",
    [
        login("ann", "08:00", is_own=True),
        login("ann", "08:00", is_system=True),
        login("ann", "08:00", actor_user_uid=None),
        failure("ann", "08:00"),
    ],
    ids=["our own account", "a platform actor", "an unknown account", "a failure"],
)
def test_nothing_is_learned_from(row: Row) -> None:
    run = on_one_day(row)

    assert not run.rows("state__seen", DAY)
    assert not run.rows("state__user_place", DAY)
    assert not run.rows("state__user_tenure", DAY)


def test_a_gateway_teaches_its_network_but_no_place() -> None:
    kinds = {row["kind"] for row in on_one_day(login("ann", "08:00", ip_categories=["vpn"])).rows("state__seen", DAY)}

    assert kinds == {"asn", "ip", "device"}


def test_corporate_beats_all() -> None:
    rows = on_one_day(login("ann", "08:00", ip_categories=["corporate", "tor", "vpn"])).rows("state__user_place", DAY)

    assert [(row["slot"], row["egress"]) for row in rows] == [("firm", "corporate")]


def test_a_place_is_firm_exactly_where_its_egress_is() -> None:
    lists = [list(some) for n in range(3) for some in itertools.combinations([*LISTS, "botnet"], n)]
    rows = [{"as_org": org, "ip_categories": some} for org in (*ORGS, None) for some in (*lists, None)]
    con = duckdb.connect()
    con.register("seen", pa.table({k: [row[k] for row in rows] for k in ("as_org", "ip_categories")}))
    seen = ibis.table({"as_org": "string", "ip_categories": "array<string>"}, name="seen")

    shown = seen.select(way=egress(seen), firm=at_firm_place(seen), fixed=at_office_or_line(seen))
    told = con.execute(to_sql(shown)).fetchall()

    assert {way for way, _, _ in told} == {*FIRM, *LOOSE}
    assert all(firm == (way in FIRM) for way, firm, _ in told)
    assert all(fixed == (way in ("corporate", "line")) for way, _, fixed in told)


def test_the_organisation_counts_its_people() -> None:
    run = on_one_day(*(login(name, "08:00") for name in ("ann", "bob", "cem")), login("ann", "09:00"))

    (row,) = [r for r in run.rows("state__seen", DAY) if (r["user_uid"], r["kind"]) == ("*", "country")]
    assert (row["value"], row["user_count"], row["day_count"]) == ("NL", 3, 1)


def test_an_address_is_forgotten_after_a_month_and_a_country_is_not() -> None:
    days = [DAY + timedelta(days=n) for n in (0, 30, 31)]
    run = Nights().build({DAY: [login("ann", "08:00")]}, days)

    def kinds(day: Any) -> set[str]:
        return {row["kind"] for row in run.rows("state__seen", day) if row["user_uid"] != "*"}

    assert kinds(days[1]) == {"country", "city", "asn", "network", "ip", "device"}
    assert kinds(days[2]) == {"country", "city", "asn", "network", "device"}


def test_tenure_counts_logins_and_days() -> None:
    second = DAY + timedelta(days=1)
    run = Nights().build({DAY: [login("ann", "08:00"), login("ann", "09:00")]}, [DAY])
    run.build({second: [activity("ann", "1 08:00", "page_viewed")]}, [second])

    (row,) = run.rows("state__user_tenure", second)
    assert (row["login_count"], row["active_day_count"], row["first_seen"].hour, row["last_login"].hour) == (2, 2, 8, 9)


def test_a_leg_says_how_far_and_how_long() -> None:
    (leg,) = on_one_day(login("ann", "08:00"), login("ann", "20:00", city="Boston")).rows("feat__travel_leg", DAY)

    assert (leg["from_city"], leg["to_city"], leg["seconds"]) == ("Utrecht", "Boston", 43_200)
    assert 5550 < leg["distance_km"] < 5650


@pytest.mark.parametrize("pair", ["BENL", "CAUS", "ESFR", "PLUA", "CNVN", "DKSE", "INPK", "BRPE"])
def test_countries_that_touch_are_neighbours(pair: str) -> None:
    assert pair in NEIGHBOURS


@pytest.mark.parametrize("pair", ["BRNL", "GBUS", "JPKR", "NGUS", "AUNZ", "DEGB"])
def test_countries_far_apart_are_not(pair: str) -> None:
    assert pair not in NEIGHBOURS
