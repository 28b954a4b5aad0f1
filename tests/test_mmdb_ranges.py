"""The MMDB writer against the reference reader, range by range."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import maxminddb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.mmdb_ranges import write_ranges

RECORDS = [
    {"autonomous_system_number": 64512 + n, "autonomous_system_organization": f"Netz {n} " + "x" * (n * 40)}
    for n in range(8)
]


def written(folder: Path, bounds: list[tuple[int, int]]) -> maxminddb.Reader:
    path = folder / "ranges.mmdb"
    starts, ends = (np.array(side, dtype=np.uint64) for side in zip(*bounds, strict=True))
    write_ranges(
        path, "ASN", starts, ends, record=np.arange(len(bounds)) % len(RECORDS), records=RECORDS, built=1_700_000_000
    )
    return maxminddb.open_database(path, maxminddb.MODE_MEMORY)


def pairs(limit: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Sorted ranges that do not overlap."""
    points = st.lists(st.integers(0, limit), min_size=2, max_size=40, unique=True).map(sorted)
    return points.map(lambda values: list(zip(values[::2], values[1::2], strict=False)))


@settings(max_examples=60, deadline=None)
@given(pairs((1 << 32) - 1), st.lists(st.integers(0, (1 << 32) - 1), max_size=20))
def test_any_ipv4_ranges_are_found_at_their_ends_and_nowhere_else(
    bounds: list[tuple[int, int]], others: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reader = written(Path(folder), bounds)
    edges = {edge for first, last in bounds for edge in (first, last, max(first - 1, 0), min(last + 1, (1 << 32) - 1))}
    starts = [first for first, _ in bounds]
    for value in [*edges, *others]:
        at = bisect_right(starts, value) - 1
        expected = RECORDS[at % len(RECORDS)] if at >= 0 and value <= bounds[at][1] else None
        assert reader.get(IPv4Address(value)) == expected


@settings(max_examples=30, deadline=None)
@given(pairs((1 << 64) - 2).filter(lambda bounds: bounds[-1][1] >= 1 << 32))
def test_any_ipv6_networks_are_found_over_their_whole_lower_half(bounds: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reader = written(Path(folder), bounds)
    for at, (first, last) in enumerate(bounds):
        for address in (first << 64, (last << 64) + (1 << 64) - 1):
            assert reader.get(IPv6Address(address)) == RECORDS[at % len(RECORDS)]


def test_the_whole_of_ipv4_fits_in_one_range(tmp_path: Path) -> None:
    reader = written(tmp_path, [(0, (1 << 32) - 1)])
    assert reader.get("203.0.113.9") == reader.get("0.0.0.0") == reader.get("255.255.255.255") == RECORDS[0]


def test_the_metadata_names_kind_version_and_build(tmp_path: Path) -> None:
    metadata = written(tmp_path, [(16, 31)]).metadata()
    assert (metadata.database_type, metadata.ip_version, metadata.build_epoch) == ("ASN", 4, 1_700_000_000)


def test_a_value_without_an_mmdb_form_is_refused(tmp_path: Path) -> None:
    one = np.array([1], dtype=np.uint64)
    with pytest.raises(TypeError, match="no MMDB form for float"):
        write_ranges(tmp_path / "x", "ASN", one, one, record=np.array([0]), records=[{"n": 1.5}], built=0)  # type: ignore[dict-item]
