"""Categories of addresses from the user's folder of lists, each valid in time.

`<category>.txt` and `.netset` hold one address or CIDR a line and always apply; `<category>.csv` has the header
`indicator,confidence,first_seen,last_seen`: an activity at t matches if first_seen - look-back <= t <= last_seen, so an
address that is listed later is matched retroactively. `corporate` beats every other category.
"""

from __future__ import annotations

import csv
import hashlib
import socket
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.enrich.geography import DataAge, columns_of

PLAIN = (".txt", ".netset", ".ipset")
CORPORATE = "corporate"
ALWAYS, NEVER = datetime.combine(date.min, time.min), datetime.combine(date.max, time.min)
TICK = timedelta(microseconds=1)
HEADER = ("indicator", "confidence", "first_seen", "last_seen")

#: An address is in `categories` (sorted) from `valid_from` until before `valid_to`.
SCHEMA = pa.schema(
    [
        ("ip", pa.string()),
        ("valid_from", pa.timestamp("us")),
        ("valid_to", pa.timestamp("us")),
        ("ip_categories", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A network in a category, for a while: `first_seen` and `last_seen` as listed, both included."""

    network: bytes
    prefix: int
    category: str
    confidence: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was skipped, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Segment:
    valid_from: datetime
    valid_to: datetime
    categories: tuple[str, ...]


class _Networks:
    """The networks of one address family by prefix length: a masked address is looked up among the networks' own bytes."""

    def __init__(self, listings: Sequence[Listing]) -> None:
        by_prefix: dict[int, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
        for position, listing in enumerate(listings):
            by_prefix[listing.prefix][listing.network].append(position)
        self.levels = [(prefix, *_sorted_keys(keys)) for prefix, keys in sorted(by_prefix.items())]

    def match(self, packed: npt.NDArray[np.uint8]) -> Iterator[tuple[int, list[int]]]:
        """(row of `packed`, positions of listings) for each network that holds an address."""
        for prefix, keys, positions in self.levels:
            masked = _comparable(packed & _mask(prefix, packed.shape[1]))
            place = np.searchsorted(keys, masked).clip(max=len(keys) - 1)
            for row in np.flatnonzero(keys[place] == masked).tolist():
                yield row, positions[place[row]]


class AddressLists:
    """All lists of a folder, read once."""

    def __init__(self, folder: Path | None, look_back: timedelta = timedelta(days=3)) -> None:
        self.look_back = look_back
        self.listings: list[Listing] = []
        self.problems: list[Problem] = []
        self.reason = "" if folder else "no folder of IP lists is set"
        self._files: list[Path] = []
        self._digest = hashlib.sha256(str(look_back).encode())
        if folder is not None:
            self._read_folder(folder)
        self._families = {size: [n for n in self.listings if len(n.network) == size] for size in (4, 16)}
        self._networks = {size: _Networks(held) for size, held in self._families.items()}

    # --- reading
    def _read_folder(self, folder: Path) -> None:
        try:
            self._files = sorted(f for f in folder.iterdir() if f.suffix in (*PLAIN, ".csv") and f.is_file())
        except OSError as error:
            self.reason = f"the folder of IP lists cannot be read: {type(error).__name__}"
            return
        for file in self._files:
            try:
                content = file.read_bytes()
            except OSError as error:
                self.problems.append(Problem(file.name, 0, f"cannot be read: {type(error).__name__}"))
                continue
            self._digest.update(file.name.encode() + b"\0" + content + b"\0")
            lines = content.decode("utf-8-sig", errors="replace").splitlines()
            self._read_dated(file, lines) if file.suffix == ".csv" else self._read_plain(file, lines)

    def _read_plain(self, file: Path, lines: Iterable[str]) -> None:
        category = file.stem.lower()
        for number, line in enumerate(lines, 1):
            text = line.split("#", 1)[0].split(";", 1)[0].strip()
            if text:
                self._add(Problem(file.name, number, ""), category, text)

    def _read_dated(self, file: Path, lines: Sequence[str]) -> None:
        if not lines or tuple(part.strip().lower() for part in lines[0].split(",")) != HEADER:
            self.problems.append(Problem(file.name, 1, f"the header must be {','.join(HEADER)}"))
            return
        category = file.stem.lower()
        for number, row in enumerate(csv.reader(lines[1:]), 2):
            if not row or row[0].lstrip().startswith("#"):
                continue
            try:
                indicator, confidence, first, last = (part.strip() for part in row)
                level = int(confidence or 100)
                since, until = _moment(first, ALWAYS), _moment(last, NEVER)
            except ValueError:
                self.problems.append(Problem(file.name, number, "needs an indicator, a confidence and two times"))
                continue
            self._add(Problem(file.name, number, ""), category, indicator, confidence=level, span=(since, until))

    def _add(
        self,
        at: Problem,
        category: str,
        text: str,
        *,
        confidence: int = 100,
        span: tuple[datetime, datetime] = (ALWAYS, NEVER),
    ) -> None:
        """Keep a line, or say why not: `at` is where it stands."""
        network = network_of(text)
        if network is None:
            self.problems.append(replace(at, reason="is no address or CIDR"))
        elif not 0 <= confidence <= 100:
            self.problems.append(replace(at, reason="confidence must be 0 to 100"))
        elif span[1] < span[0]:
            self.problems.append(replace(at, reason="last_seen lies before first_seen"))
        else:
            self.listings.append(Listing(*network, category, confidence, *span))

    # --- asking
    def segments(self, addresses: Iterable[str]) -> pa.Table:
        """The listed ones among `addresses`, in `SCHEMA`: spans of an address never overlap."""
        found: dict[str, list[Listing]] = defaultdict(list)
        for size, group in _packed(addresses).items():
            listings = self._families[size]
            if not listings or not group:
                continue
            texts = list(group)
            packed = np.frombuffer(b"".join(group.values()), dtype=np.uint8).reshape(-1, size)
            for row, positions in self._networks[size].match(packed):
                found[texts[row]].extend(listings[at] for at in positions)
        rows = [
            (ip, span.valid_from, span.valid_to, list(span.categories))
            for ip, held in found.items()
            for span in _spans_cached(tuple(held), self.look_back)
        ]
        return columns_of(SCHEMA, rows)

    def age(self) -> DataAge:
        """The newest file's time of writing: lists are replaced as a whole."""
        newest = max((f.stat().st_mtime for f in self._files if f.exists()), default=None)
        moment = None if newest is None else datetime.fromtimestamp(newest, UTC).replace(tzinfo=None)
        return DataAge("ip_lists", moment, len(self.listings), self.reason)

    def revision(self) -> str:
        """Of all lists: changes with any of them."""
        return self._digest.hexdigest()

    def revision_of(self, start: datetime, end: datetime) -> str:
        """Of what can match an activity in [start, end): a listing of another time leaves it alone."""
        lines = sorted(
            f"{n.category}/{n.network.hex()}/{n.prefix}/{n.first_seen}/{n.last_seen}"
            for n in self.listings
            if n.last_seen >= start and _opened(n, self.look_back) < end
        )
        return hashlib.sha256("\n".join([str(self.look_back), *lines]).encode()).hexdigest()


def spans(held: Iterable[Listing], look_back: timedelta) -> list[Segment]:
    """The listings of one address as spans of constant categories; spans without any are left out."""
    edges = [(_opened(n, look_back), _closed(n), n.category) for n in held]
    cuts = sorted({edge for low, high, _ in edges for edge in (low, high)})
    found = []
    for low, high in pairwise(cuts):
        names = {category for since, until, category in edges if since <= low and until >= high}
        if names:
            found.append(Segment(low, high, (CORPORATE,) if CORPORATE in names else tuple(sorted(names))))
    return found


@cache
def _spans_cached(held: tuple[Listing, ...], look_back: timedelta) -> tuple[Segment, ...]:
    return tuple(spans(held, look_back))


def _opened(listing: Listing, look_back: timedelta) -> datetime:
    return ALWAYS if listing.first_seen - ALWAYS < look_back else listing.first_seen - look_back


def _closed(listing: Listing) -> datetime:
    return NEVER if listing.last_seen >= NEVER else listing.last_seen + TICK


def network_of(text: str) -> tuple[bytes, int] | None:
    """(network bytes, prefix length) of an address or CIDR; bits behind the prefix are cleared; None if malformed."""
    address, slash, length = text.partition("/")
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        prefix = int(length) if slash else len(packed) * 8
    except (OSError, ValueError):
        return None
    if not 0 <= prefix <= len(packed) * 8:
        return None
    bits = int.from_bytes(packed, "big") >> (len(packed) * 8 - prefix) << (len(packed) * 8 - prefix)
    return bits.to_bytes(len(packed), "big"), prefix


def _packed(addresses: Iterable[str]) -> dict[int, dict[str, bytes]]:
    """Addresses as bytes by family; a v4 address in v6 clothes counts as v4; what is no address is left out."""
    found: dict[int, dict[str, bytes]] = {4: {}, 16: {}}
    for text in addresses:
        try:
            packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
        except (OSError, ValueError):
            continue
        if packed.startswith(b"\0" * 10 + b"\xff\xff"):
            packed = packed[12:]
        found[len(packed)][text] = packed
    return found


def _mask(prefix: int, size: int) -> npt.NDArray[np.uint8]:
    bits = (1 << size * 8) - (1 << size * 8 - prefix)
    return np.frombuffer(bits.to_bytes(size, "big"), dtype=np.uint8)


def _comparable(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.generic]:
    """One value per address that sorts as the address does: a number for v4, bytes for v6."""
    if packed.shape[1] == 4:
        return np.ascontiguousarray(packed).view(">u4").ravel().astype(np.uint32)
    return np.ascontiguousarray(packed).view("S16").ravel()


def _sorted_keys(keys: dict[bytes, list[int]]) -> tuple[npt.NDArray[np.generic], list[list[int]]]:
    names = sorted(keys)
    packed = np.frombuffer(b"".join(names), dtype=np.uint8).reshape(len(names), -1)
    return _comparable(packed), [keys[name] for name in names]


def _moment(text: str, otherwise: datetime) -> datetime:
    """A date or a date-time, UTC unless it says otherwise."""
    if not text:
        return otherwise
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
