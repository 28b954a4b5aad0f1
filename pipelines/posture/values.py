"""Tests of one value as text: what a property may hold.

Text is compared without case and surrounding blanks. A value that cannot be read as what is asked for (a word where a
number belongs) is not the recommended one. `empty_counts` says whether an empty value is a value: for a list it is, for a
switch or a number it stands for no value and the meaning of absence applies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Test(Protocol):
    """One question to a value."""

    @property
    def empty_counts(self) -> bool: ...

    def holds(self, value: str) -> bool: ...

    def says(self) -> str:
        """What is asked for, as it follows "is", e.g. `at most 60 minutes`."""
        ...


@dataclass(frozen=True, slots=True)
class Is:
    """Exactly this text, or one of several."""

    wanted: str
    others: tuple[str, ...] = ()
    empty_counts: bool = False

    def holds(self, value: str) -> bool:
        return _plain(value) in {_plain(text) for text in (self.wanted, *self.others)}

    def says(self) -> str:
        return " or ".join(text or "blank" for text in (self.wanted, *self.others))


@dataclass(frozen=True, slots=True)
class Isnt:
    """Anything but this text."""

    unwanted: str
    empty_counts: bool = False

    def holds(self, value: str) -> bool:
        return _plain(value) != _plain(self.unwanted)

    def says(self) -> str:
        return f"not {self.unwanted}"


@dataclass(frozen=True, slots=True)
class Between:
    """A number within bounds, both included where given; `below` excludes its bound."""

    low: float | None = None
    high: float | None = None
    unit: str = ""
    below: float | None = None
    empty_counts: bool = False

    def holds(self, value: str) -> bool:
        number = _number(value)
        return (
            number is not None
            and (self.low is None or number >= Decimal(str(self.low)))
            and (self.high is None or number <= Decimal(str(self.high)))
            and (self.below is None or number < Decimal(str(self.below)))
        )

    def says(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.below is not None:
            return f"less than {self.below:g}{unit}"
        if self.low is not None and self.high is not None:
            return f"{self.low:g}{unit}" if self.low == self.high else f"{self.low:g} to {self.high:g}{unit}"
        return f"at least {self.low:g}{unit}" if self.low is not None else f"at most {self.high:g}{unit}"


@dataclass(frozen=True, slots=True)
class Blank:
    """Nothing at all."""

    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        return not value.strip()

    def says(self) -> str:
        return "blank"


@dataclass(frozen=True, slots=True)
class Filled:
    """Anything at all; `what` names it for a person."""

    what: str
    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        return bool(_entries(value))

    def says(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Domains:
    """A list of mail domains, none of them a wildcard."""

    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        entries = _entries(value)
        return bool(entries) and all("." in entry and "*" not in entry for entry in entries)

    def says(self) -> str:
        return "a list of mail domains without wildcards"


@dataclass(frozen=True, slots=True)
class Holds:
    """A list that holds all of these entries, among others."""

    entries: tuple[str, ...]
    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        return {_plain(entry) for entry in self.entries} <= set(_entries(value))

    def says(self) -> str:
        return f"a list with {', '.join(self.entries)}"


@dataclass(frozen=True, slots=True)
class HoldsOnly:
    """A list with nothing but some of these entries, and not empty."""

    entries: tuple[str, ...]
    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        found = set(_entries(value))
        return bool(found) and found <= {_plain(entry) for entry in self.entries}

    def says(self) -> str:
        return f"a list of nothing but {', '.join(self.entries)}"


@dataclass(frozen=True, slots=True)
class HoldsNone:
    """A list with none of these entries; `what` names them for a person."""

    entries: tuple[str, ...]
    what: str
    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        return not {_plain(entry) for entry in self.entries} & set(_entries(value))

    def says(self) -> str:
        return f"a value without {self.what}"


@dataclass(frozen=True, slots=True)
class FilledWithout:
    """A list that is not empty and holds none of these, alone or behind a colon as in `stage:role`."""

    entries: tuple[str, ...]
    what: str
    empty_counts: bool = True

    def holds(self, value: str) -> bool:
        found = _entries(value)
        said = {part.strip() for entry in found for part in entry.split(":")}
        return bool(found) and not {_plain(entry) for entry in self.entries} & said

    def says(self) -> str:
        return self.what


TRUE = Is("true")
FALSE = Is("false")


def exactly(number: float, unit: str = "") -> Between:
    return Between(number, number, unit)


def between(low: float, high: float, unit: str = "") -> Between:
    return Between(low, high, unit)


def at_most(number: float, unit: str = "") -> Between:
    return Between(high=number, unit=unit)


def at_least(number: float, unit: str = "") -> Between:
    return Between(low=number, unit=unit)


def _plain(text: str) -> str:
    return text.strip().lower()


def _entries(text: str) -> list[str]:
    return [entry for part in text.replace(";", ",").replace("\n", ",").split(",") if (entry := _plain(part))]


def _number(text: str) -> Decimal | None:
    """Digits with a sign and a fraction at most: what Java reads as a number, not everything that Python does."""
    return Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else None
