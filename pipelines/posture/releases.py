"""ServiceNow's release families in order, and the hardening baseline that each is measured by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Family -> baseline of the Security Center that it ships with (hardening-settings-baseline page of the vendor's docs).
BASELINES: Final[Mapping[str, float]] = MappingProxyType(
    {
        "utah": 1.0,
        "vancouver": 1.0,
        "washingtondc": 2.0,
        "xanadu": 4.0,
        "yokohama": 5.0,
        "zurich": 7.0,
        "australia": 8.0,
    }
)
LATEST: Final = max(BASELINES.values())
_ORDER = tuple(BASELINES)
_SPELLINGS = {"washington": "washingtondc", "washington dc": "washingtondc"}


def family_of(release: str | None) -> str | None:
    """The family named in a build name, a war name or by hand (`glide-yokohama-12-18-2024__patch3`); None: not known."""
    text = (release or "").lower()
    for spelling, family in (*_SPELLINGS.items(), *((name, name) for name in _ORDER)):
        if spelling in text:
            return family
    return None


def baseline_of(family: str | None) -> float:
    """The baseline of a family; where it is not known, the latest: nothing is left out by not knowing."""
    return BASELINES.get(family or "", LATEST)


def is_from(family: str | None, first: str) -> bool:
    """Whether `family` is `first` or later. A family that is not known counts as the latest."""
    return family not in BASELINES or _ORDER.index(family) >= _ORDER.index(first)
