"""Location databases and IP lists say what the plan says, mistakes included."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path

import maxminddb
import polars as pl
import pytest

from pipelines.emulator.organisation import World, ip_lists, network_mmdb
from pipelines.emulator.organisation.network import V4_RANGE, V6_RANGE


@pytest.fixture(scope="module")
def databases(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[maxminddb.Reader, maxminddb.Reader]:
    city, asn = network_mmdb(world, tmp_path_factory.mktemp("geo"))
    return maxminddb.open_database(city), maxminddb.open_database(asn)


def test_every_block_is_found_as_planned(world: World, databases: tuple[maxminddb.Reader, maxminddb.Reader]) -> None:
    city, asn = databases
    for block in world.network:
        address = ip_network(block.cidr)[1]
        record = city.get(address)
        assert isinstance(record, dict)
        assert record["country"]["iso_code"] == block.country
        assert record.get("city", {}).get("names", {}).get("en") == block.city
        assert record["location"]["latitude"] == block.latitude
        assert record["location"]["longitude"] == block.longitude
        assert record["location"]["accuracy_radius"] == (20 if block.city else 1000)
        owner = asn.get(address)
        assert isinstance(owner, dict)
        assert (owner["autonomous_system_number"], owner["autonomous_system_organization"]) == (block.asn, block.as_org)


def test_blocks_do_not_overlap_and_use_reserved_ranges_only(world: World) -> None:
    blocks = sorted(
        (ip_network(block.cidr) for block in world.network), key=lambda net: (net.version, int(net.network_address))
    )
    for one, other in pairwise(blocks):
        assert one.version != other.version or not one.overlaps(other)
    for block in blocks:
        assert block.subnet_of(V4_RANGE if block.version == 4 else V6_RANGE)  # type: ignore[arg-type]


def test_every_address_in_the_logs_is_in_the_plan(
    world: World, databases: tuple[maxminddb.Reader, maxminddb.Reader]
) -> None:
    seen = set(world.tables["syslog_transaction"]["remote_ip"]) - {""}
    signed = world.tables["sysevent"].filter(
        pl.col("name").is_in(["login", "login.failed", "logout", "session.established"])
    )
    seen |= set(signed["parm2"])
    assert {ip_address(address).version for address in seen} == {4, 6}
    assert [address for address in seen if databases[0].get(address) is None] == []


def test_some_homes_have_no_city_and_some_are_abroad(world: World) -> None:
    assert sum(block.city is None for block in world.network) >= 3
    assert world.truth["networks"]["misplaced"]


def test_lists_carry_the_plan_and_the_dated_lines(world: World, tmp_path: Path) -> None:
    folder = ip_lists(world, tmp_path / "lists")
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "tor.txt", "vpn.txt", "corporate.txt", "anonymous_proxy.txt", "cloud_provider.txt", "hosting.txt", "privacy_relay.txt",
        "botnet.csv", "password_spray.csv", "scanner.csv",
    }  # fmt: skip
    for path in folder.glob("*.txt"):
        lines = path.read_text().split()
        assert lines == [block.cidr for block in world.network if path.stem in block.categories]
    header, *lines = (folder / "botnet.csv").read_text().splitlines()
    assert header == "indicator,confidence,first_seen,last_seen"
    assert len(lines) == sum(entry.category == "botnet" for entry in world.listings) > 100


def test_lines_that_concern_nobody_match_no_row(world: World) -> None:
    seen = set(world.tables["syslog_transaction"]["remote_ip"]) | set(world.tables["sysevent"]["parm2"])
    hits = {entry.indicator for entry in world.listings if entry.indicator in seen}
    assert len(hits) == 4, "the listed addresses of the four scenes alone"
