"""All of it together, on activities derived from raw rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import conform
from pipelines.contracts import contract
from pipelines.contracts.table import conform as checked
from pipelines.enrich import Enricher
from tests.conform.night import DAY, INSTANCE, Night, sys_id
from tests.enrich.test_geography import ASN, CENTRE, GEOLITE, mmdb

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def enricher(tmp_path: Path) -> Enricher:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "tor.txt").write_text("198.51.100.66\n")
    (lists / "botnet.csv").write_text(
        f"indicator,confidence,first_seen,last_seen\n203.0.113.9,80,{DAY} 12:00:00,{DAY} 13:00:00\n"
    )
    return Enricher(
        geo_db=mmdb(tmp_path / "city.mmdb", {"198.51.100.0/24": GEOLITE, "203.0.113.0/24": CENTRE}),
        asn_db=mmdb(tmp_path / "asn.mmdb", {"198.51.100.0/24": ASN}), ip_lists=lists, look_back=timedelta(0),
    )  # fmt: skip


def enriched(night: Night, enricher: Enricher, with_users: bool = True) -> list[dict[str, Any]]:
    con = night.connect()
    if with_users:
        conform.users(con, INSTANCE, DAY).create("core__user")
    found = enricher.apply(con, conform.activities(con, INSTANCE, DAY)).to_arrow_table()
    assert found.column_names == list(contract("core__activity").columns)
    rows: list[dict[str, Any]] = checked(contract("core__activity"), found).to_pylist()
    return sorted(rows, key=lambda row: row["time"])


def test_an_activity_gets_place_network_categories_client_and_profile(enricher: Enricher) -> None:
    night = Night()
    night.user("anna", department=sys_id("finance"), internal_integration_user="false")
    night.request("10:00:00", "anna", "/navpage.do", remote_ip="198.51.100.66", user_agent=FIREFOX)
    [found] = enriched(night, enricher)
    assert (found["country"], found["city"], found["latitude"], found["asn"]) == ("DE", "Berlin", 52.5, 64500)
    assert found["ip_categories"] == ["tor"]
    assert (found["agent_family"], found["os_family"], found["agent_kind"]) == ("Firefox", "Linux", "browser")
    assert (found["department"], found["is_account_active"], found["profile_source"]) == (
        sys_id("finance"),
        True,
        "observed",
    )


def test_categories_are_those_of_the_moment(enricher: Enricher) -> None:
    night = Night()
    for clock in ("11:59:59", "12:30:00", "13:00:01"):
        night.request(clock, "anna", "/navpage.do", remote_ip="203.0.113.9")
    assert [row["ip_categories"] for row in enriched(night, enricher)] == [[], ["botnet"], []]


def test_nothing_known_is_null_and_an_empty_list_and_never_an_error() -> None:
    night = Night()
    night.request("10:00:00", "anna", "/navpage.do", remote_ip="198.51.100.66", user_agent="")
    [found] = enriched(night, Enricher(), with_users=False)
    assert (found["country"], found["asn"], found["ip_categories"], found["agent_kind"]) == (None, None, [], "unknown")
    assert (found["profile_source"], found["is_account_active"], found["is_privileged"]) == ("unknown", None, None)


def test_an_account_switched_off_at_noon_was_active_in_the_morning(enricher: Enricher) -> None:
    night = Night()
    uid = night.user("anna", active="false", sys_updated_on=f"{DAY} 12:00:00")
    night.add(
        "sys_audit",
        "12:00:00",
        tablename="sys_user",
        fieldname="active",
        documentkey=uid,
        oldvalue="true",
        newvalue="false",
        user="admin",
    )
    for clock in ("11:00:00", "12:00:00", "13:00:00"):
        night.request(clock, "anna", "/navpage.do")
    pages = [row for row in enriched(night, enricher) if row["activity_name"] == "page_viewed"]
    assert [row["is_account_active"] for row in pages] == [True, False, False]


@pytest.mark.parametrize(
    ("agent", "url", "kind", "integration", "interactive"),
    [
        (FIREFOX, "/api/now/ui/history", "rest", "false", True),
        ("python-requests/2.32", "/api/now/table/incident", "rest", "false", False),
        ("python-requests/2.32", "/incident_list.do", "list", "false", False),
        ("", "/api/now/table/incident", "rest", "true", False),
        ("", "/api/now/table/incident", "rest", "", None),
    ],
)
def test_a_person_at_a_browser_is_interactive_and_a_script_is_not(
    agent: str, url: str, kind: str, integration: str, interactive: bool | None, enricher: Enricher
) -> None:
    night = Night()
    night.user("anna", internal_integration_user=integration)
    night.request("10:00:00", "anna", url, type=kind, user_agent=agent)
    [found] = enriched(night, enricher)
    assert found["is_interactive"] is interactive


def test_the_impersonators_profile_counts_and_not_the_impersonated_ones(enricher: Enricher) -> None:
    night = Night()
    night.user("agent", department=sys_id("it"))
    night.user("anna", department=sys_id("finance"))
    night.event("10:00:00", "impersonation.start", "agent", "anna", user_name="agent")
    night.request("10:01:00", "anna", "/incident_list.do")
    found = next(row for row in enriched(night, enricher) if row["activity_name"] == "page_viewed")
    assert (found["actor_user_name"], found["department"], found["is_impersonated"]) == ("agent", sys_id("it"), True)


def test_the_revision_changes_with_the_data_and_only_for_days_that_it_touches(
    enricher: Enricher, tmp_path: Path
) -> None:
    (tmp_path / "lists" / "botnet.csv").write_text("indicator,confidence,first_seen,last_seen\n")
    other = Enricher(
        geo_db=tmp_path / "city.mmdb", asn_db=tmp_path / "asn.mmdb", ip_lists=tmp_path / "lists", look_back=timedelta(0)
    )
    assert other.revision != enricher.revision
    assert other.revision_of(DAY) != enricher.revision_of(DAY)
    assert other.revision_of(DAY - timedelta(days=9)) == enricher.revision_of(DAY - timedelta(days=9))


def test_missing_and_old_data_is_said(enricher: Enricher) -> None:
    built = enricher.age()[0].built_at
    assert built is not None
    assert enricher.stale(built) == ()
    assert enricher.stale(datetime.fromisoformat("2031-01-01"))[0].startswith("city data is ")
    assert Enricher().stale(built) == (
        "no city database is set",
        "no asn database is set",
        "no folder of IP lists is set",
    )


def test_a_day_without_activities_has_the_contracts_columns(enricher: Enricher) -> None:
    assert enriched(Night(), enricher) == []
    assert enriched(Night(), Enricher(), with_users=False) == []


def test_an_account_found_switched_off_may_have_been_on_before_its_last_change(enricher: Enricher) -> None:
    night = Night()
    night.user("anna", active="false", sys_updated_on=f"{DAY} 12:00:00")
    for clock in ("11:00:00", "13:00:00"):
        night.request(clock, "anna", "/navpage.do")
    assert [row["is_account_active"] for row in enriched(night, enricher)] == [None, False]
