"""Categories of addresses, valid in time."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.enrich import Addresses, AddressLists

HEADER = "indicator,confidence,first_seen,last_seen\n"


def tags(lists: AddressLists, address: str, when: str = "2026-09-24T12:00:00") -> list[str]:
    moment = datetime.fromisoformat(when)
    rows = lists.segments(Addresses.of([address])).to_pylist()
    found = [row["ip_categories"] for row in rows if row["valid_from"] <= moment < row["valid_to"]]
    assert len(found) <= 1
    return list(found[0]) if found else []


def test_plain_lists_hold_addresses_and_networks_of_both_families(tmp_path: Path) -> None:
    (tmp_path / "tor.txt").write_text("# exits\n198.51.100.7\n\n2001:db8::7 ; relay\n")
    (tmp_path / "hosting.netset").write_text("198.51.100.0/24\n2001:db8::/32 # cloud\n")
    lists = AddressLists(tmp_path)
    assert tags(lists, "198.51.100.7") == ["hosting", "tor"]
    assert tags(lists, "2001:db8::7") == ["hosting", "tor"]
    assert tags(lists, "2001:db8::8") == ["hosting"]
    assert tags(lists, "203.0.113.1") == tags(lists, "nonsense") == []
    assert lists.problems == []


def test_corporate_beats_every_other_category(tmp_path: Path) -> None:
    (tmp_path / "tor.txt").write_text("198.51.100.0/24\n")
    (tmp_path / "corporate.txt").write_text("198.51.0.0/16\n")
    assert tags(AddressLists(tmp_path), "198.51.100.7") == ["corporate"]


def test_a_listing_matches_from_the_look_back_before_it_until_its_last_second(tmp_path: Path) -> None:
    (tmp_path / "botnet.csv").write_text(HEADER + "198.51.100.7,90,2026-09-24 12:00:00,2026-09-25T00:00:00Z\n")
    lists = AddressLists(tmp_path)
    seen = {when: tags(lists, "198.51.100.7", when) for when in (
        "2026-09-21T11:59:59", "2026-09-21T12:00:00", "2026-09-24T23:00:00", "2026-09-25T00:00:00", "2026-09-25T00:00:01")}  # fmt: skip
    assert list(seen.values()) == [[], ["botnet"], ["botnet"], ["botnet"], []]
    assert tags(AddressLists(tmp_path, timedelta(0)), "198.51.100.7", "2026-09-24T11:59:59") == []


def test_an_empty_time_is_open(tmp_path: Path) -> None:
    (tmp_path / "scanner.csv").write_text(HEADER + "198.51.100.7,,,2026-01-01\n203.0.113.0/24,50,2026-01-01,\n")
    lists = AddressLists(tmp_path)
    assert tags(lists, "198.51.100.7", "1999-01-01T00:00:00") == ["scanner"]
    assert tags(lists, "203.0.113.9", "2099-01-01T00:00:00") == ["scanner"]
    assert tags(lists, "203.0.113.9", "2025-01-01T00:00:00") == []


def test_a_dated_corporate_listing_covers_only_its_time(tmp_path: Path) -> None:
    (tmp_path / "corporate.csv").write_text(HEADER + "198.51.100.0/24,100,2026-09-24,2026-09-30\n")
    (tmp_path / "vpn.txt").write_text("198.51.100.7\n")
    lists = AddressLists(tmp_path, timedelta(0))
    assert tags(lists, "198.51.100.7", "2026-09-23T00:00:00") == ["vpn"]
    assert tags(lists, "198.51.100.7", "2026-09-25T00:00:00") == ["corporate"]


def confidence(folder: Path, address: str = "198.51.100.7", when: str = "2026-09-24T12:00:00") -> int | None:
    moment = datetime.fromisoformat(when)
    rows = AddressLists(folder, timedelta(0)).segments(Addresses.of([address])).to_pylist()
    [found] = [row["ip_confidence"] for row in rows if row["valid_from"] <= moment < row["valid_to"]]
    return None if found is None else int(found)


def test_the_surest_list_that_holds_the_address_then_counts(tmp_path: Path) -> None:
    (tmp_path / "scanner.csv").write_text(HEADER + "198.51.100.7,40,,\n")
    (tmp_path / "botnet.csv").write_text(HEADER + "198.51.100.0/24,80,2026-09-25,\n")
    assert confidence(tmp_path) == 40
    assert confidence(tmp_path, when="2026-09-26T12:00:00") == 80


def test_a_list_that_does_not_say_is_sure_and_one_that_speaks_no_ill_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "hosting.txt").write_text("198.51.100.0/24\n")
    assert confidence(tmp_path) is None
    (tmp_path / "scanner.csv").write_text(HEADER + "198.51.100.7,40,,\n")
    assert confidence(tmp_path) == 40
    (tmp_path / "tor.txt").write_text("198.51.100.7\n")
    assert confidence(tmp_path) == 100
    (tmp_path / "corporate.txt").write_text("198.51.100.7\n")
    assert confidence(tmp_path) is None


def test_a_line_that_grows_surer_makes_its_days_stale(tmp_path: Path) -> None:
    revisions = set()
    for level in (40, 60):
        (tmp_path / "scanner.csv").write_text(HEADER + f"198.51.100.7,{level},2026-09-24,\n")
        revisions.add(AddressLists(tmp_path).revision_of(datetime(2026, 9, 24), datetime(2026, 9, 25)))
    assert len(revisions) == 2


def test_a_malformed_line_is_counted_with_its_place_and_the_rest_is_used(tmp_path: Path) -> None:
    (tmp_path / "tor.txt").write_text("198.51.100.7\n198.51.100.0/33\nexample.com\n")
    (tmp_path / "botnet.csv").write_text(
        HEADER
        + "203.0.113.1,high,,\n203.0.113.2,101,,\n203.0.113.3,1,yesterday,\n203.0.113.4,1\n203.0.113.5,1,2026-02-01,2026-01-01\n203.0.113.6,1,,\n"
    )
    (tmp_path / "scanner.csv").write_text("ip;since\n")
    (tmp_path / "notes.md").write_text("not a list")
    lists = AddressLists(tmp_path)
    assert [(p.file, p.line) for p in lists.problems] == [
        ("botnet.csv", 2), ("botnet.csv", 3), ("botnet.csv", 4), ("botnet.csv", 5), ("botnet.csv", 6), ("scanner.csv", 1),
        ("tor.txt", 2), ("tor.txt", 3),
    ]  # fmt: skip
    assert (tags(lists, "198.51.100.7"), tags(lists, "203.0.113.6"), tags(lists, "203.0.113.1")) == (
        ["tor"],
        ["botnet"],
        [],
    )


@pytest.mark.parametrize("folder", ["absent", "a file"])
def test_a_folder_that_is_none_is_a_reason(folder: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    lists = AddressLists(tmp_path / folder)
    assert "cannot be read" in lists.age().reason
    assert tags(lists, "198.51.100.7") == []
    assert AddressLists(None).age().reason == "no folder of IP lists is set"


def test_a_list_of_another_time_leaves_a_days_revision_alone(tmp_path: Path) -> None:
    (tmp_path / "botnet.csv").write_text(HEADER + "198.51.100.7,90,2026-09-24,2026-09-25\n")
    day = (datetime.fromisoformat("2026-09-10"), datetime.fromisoformat("2026-09-11"))
    late = (datetime.fromisoformat("2026-09-21"), datetime.fromisoformat("2026-09-22"))
    before = AddressLists(tmp_path)
    (tmp_path / "botnet.csv").write_text(HEADER + "198.51.100.7,90,2026-09-24,2026-09-25\n203.0.113.1,90,2026-09-24,\n")
    after = AddressLists(tmp_path)
    assert before.revision() != after.revision()
    assert before.revision_of(*day) == after.revision_of(*day)
    assert before.revision_of(*late) != after.revision_of(*late)


SIX = 0x20010DB8 << 96


def _network(bits: int, prefix: int) -> str:
    address = ipaddress.IPv4Address(bits) if bits < 2**32 else ipaddress.IPv6Address(bits)
    return str(ipaddress.ip_network((address, prefix), strict=False))


networks = st.one_of(
    st.builds(_network, st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(_network, st.integers(SIX, SIX + 2**16), st.integers(100, 128)),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(st.sampled_from(["tor", "vpn", "hosting"]), st.lists(networks, max_size=12), max_size=3),
    st.lists(st.one_of(st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address),
                       st.integers(SIX, SIX + 2**16).map(ipaddress.IPv6Address)), max_size=12),
)  # fmt: skip
def test_matching_agrees_with_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory,
    listed: dict[str, list[str]],
    asked: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    for category, lines in listed.items():
        (folder / f"{category}.txt").write_text("\n".join(lines))
    lists = AddressLists(folder)
    assert lists.problems == []
    for address in asked:
        expected = sorted(
            c for c, lines in listed.items() if any(address in ipaddress.ip_network(line) for line in lines)
        )
        assert tags(lists, str(address)) == expected
