"""Location and network of addresses from MMDB files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from pipelines.enrich import Addresses, Geography

GEOLITE = {
    "country": {"iso_code": "DE"},
    "city": {"names": {"en": "Berlin"}},
    "location": {"latitude": 52.5, "longitude": 13.4},
}
CENTRE = {"country": {"iso_code": "US"}, "location": {"latitude": 37.751, "longitude": -97.822}}
DBIP = {"country_code": "BR", "city": "Recife", "latitude": -8.05, "longitude": -34.9, "state1": "PE"}
ASN = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}


def mmdb(path: Path, networks: dict[str, dict[str, Any]], version: int = 6) -> Path:
    writer = MMDBWriter(version, "Test-City", ipv4_compatible=version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return mmdb(
        tmp_path / "city.mmdb",
        {"198.51.100.0/25": GEOLITE, "198.51.100.128/25": CENTRE, "203.0.113.0/24": DBIP, "2001:db8::/32": GEOLITE},
    )


def located(geography: Geography, *addresses: str) -> dict[str, tuple[Any, ...]]:
    rows = geography.locate(Addresses.of(addresses)).to_pylist()
    return {row["ip"]: (row["country"], row["city"], row["latitude"], row["asn"]) for row in rows}


def test_both_layouts_are_read(city: Path, tmp_path: Path) -> None:
    asn = mmdb(tmp_path / "asn.mmdb", {"198.51.100.0/24": ASN}, version=4)
    found = located(Geography(city, asn), "198.51.100.7", "203.0.113.9", "2001:db8::5")
    assert found == {
        "198.51.100.7": ("DE", "Berlin", 52.5, 64500),
        "203.0.113.9": ("BR", "Recife", -8.05, None),
        "2001:db8::5": ("DE", "Berlin", 52.5, None),
    }


def test_without_a_city_the_centre_of_a_country_is_no_place(city: Path) -> None:
    assert located(Geography(city, None), "198.51.100.200") == {"198.51.100.200": ("US", None, None, None)}


def test_private_reserved_and_malformed_addresses_are_nowhere(city: Path) -> None:
    given = ("10.0.0.1", "127.0.0.1", "0.0.0.0", "fe80::1", "999.1.1.1", "::", "not an address", "1.2.3.4.5", "")
    assert set(located(Geography(city, None), *given).values()) == {(None, None, None, None)}


@pytest.mark.parametrize("text", ["::ffff:198.51.100.7", "::FFFF:c633:6407", "0:0:0:0:0:ffff:198.51.100.7"])
def test_a_v4_address_in_v6_clothes_is_the_v4_address(text: str, city: Path) -> None:
    assert located(Geography(city, None), text)[text][1] == "Berlin"


def test_every_address_of_a_network_is_found_like_a_lookup_of_its_own(city: Path) -> None:
    addresses = [f"198.51.{third}.{last}" for third in (99, 100, 101) for last in range(0, 256, 5)]
    together = located(Geography(city, None), *reversed(addresses))
    assert together == {one: located(Geography(city, None), one)[one] for one in addresses}
    assert together["198.51.100.125"][1] == "Berlin"
    assert together["198.51.101.0"] == together["198.51.99.255"] == (None, None, None, None)


@pytest.mark.parametrize("content", [b"", b"not a database", b"\xab\xcd\xefMaxMind.com" * 3])
def test_a_broken_file_is_a_reason_and_not_an_error(content: bytes, tmp_path: Path) -> None:
    broken = tmp_path / "city.mmdb"
    broken.write_bytes(content)
    geography = Geography(broken, tmp_path / "absent.mmdb")
    assert located(geography, "198.51.100.7") == {"198.51.100.7": (None, None, None, None)}
    assert "city.mmdb cannot be read" in geography.city.age().reason
    assert "absent.mmdb cannot be read" in geography.asn.age().reason


def test_a_database_cut_short_is_a_reason_and_not_an_error(city: Path) -> None:
    whole = city.read_bytes()
    city.write_bytes(whole[:200] + b"\xff" * 400 + whole[600:])
    geography = Geography(city, None)
    assert set(located(geography, "198.51.100.7", "203.0.113.9", "2001:db8::5")) == {
        "198.51.100.7",
        "203.0.113.9",
        "2001:db8::5",
    }


def test_no_database_says_so_and_age_is_the_build_date(city: Path) -> None:
    geography = Geography(city, None)
    assert geography.asn.age().reason == "no asn database is set"
    built = geography.city.age().built_at
    assert built is not None
    assert built.year >= 2024


def test_a_folder_holds_the_v4_and_the_v6_half(tmp_path: Path) -> None:
    mmdb(tmp_path / "v4.mmdb", {"198.51.100.0/24": DBIP}, version=4)
    mmdb(tmp_path / "v6.mmdb", {"2001:db8::/32": GEOLITE})
    found = located(Geography(tmp_path, None), "198.51.100.7", "2001:db8::1")
    assert (found["198.51.100.7"][0], found["2001:db8::1"][0]) == ("BR", "DE")
