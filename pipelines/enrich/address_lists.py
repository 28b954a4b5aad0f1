"""Categories of addresses from the user's folder of lists, each valid in time.

`<category>.txt` and `.netset` hold one address or CIDR a line and always apply; `<category>.csv` has the header
`indicator,confidence,first_seen,last_seen`: an activity at t matches if first_seen - look-back <= t <= last_seen, so an
address that is listed later is matched retroactively. `corporate` beats every other category. A list without confidences
is taken for sure (100).
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.enrich.addresses import Addresses, Family, Ints, Keys, columns_of, comparable, mask, network_of
from pipelines.enrich.geography import DataAge

PLAIN = (".txt", ".netset", ".ipset")
CORPORATE = "corporate"
#: What an address is for, which is no ill of it: how sure such a list is does not count.
HARMLESS = frozenset({CORPORATE, "vpn", "privacy_relay", "cloud_provider", "hosting"})
ALWAYS, NEVER = datetime.combine(date.min, time.min), datetime.combine(date.max, time.min)
TICK = timedelta(microseconds=1)
HEADER = ("indicator", "confidence", "first_seen", "last_seen")

_SPAN = pa.schema(
    [
        ("valid_from", pa.timestamp("us")),
        ("valid_to", pa.timestamp("us")),
        ("ip_categories", pa.list_(pa.string())),
        ("ip_confidence", pa.int64()),
    ]
)
#: An address is in `ip_categories` (sorted) from `valid_from` until before `valid_to`, by lists that speak ill of it with
#: `ip_confidence` (0-100, the surest counts; null where none does).
SCHEMA = pa.schema([("ip", pa.string()), *_SPAN])


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
    confidence: int | None


class _Networks:
    """The listed networks of one address family by prefix length; a group holds the listings of one network."""

    def __init__(self, listings: Sequence[Listing]) -> None:
        by_prefix: dict[int, dict[bytes, list[Listing]]] = defaultdict(lambda: defaultdict(list))
        for listing in listings:
            by_prefix[listing.prefix][listing.network].append(listing)
        self.groups: list[list[Listing]] = [[]]
        self.levels: list[tuple[int, Keys, int]] = []  # prefix length, sorted networks, number of the first's group
        for prefix, held in sorted(by_prefix.items()):
            names = sorted(held)
            packed = np.frombuffer(b"".join(names), dtype=np.uint8).reshape(len(names), -1)
            self.levels.append((prefix, comparable(packed), len(self.groups)))
            self.groups += [held[name] for name in names]

    def match(self, family: Family) -> tuple[list[list[Listing]], Ints]:
        """Distinct sets of listings, and for each address the number of its set; number 0 is the empty set."""
        sets: list[tuple[int, ...]] = [()]
        place = np.zeros(len(family), dtype=np.int64)
        for prefix, keys, first in self.levels:
            masked = comparable(family.packed & mask(prefix, family.size))
            near = np.searchsorted(keys, masked).clip(max=len(keys) - 1)
            hit = np.flatnonzero(keys[near] == masked)
            pairs = place[hit] * (len(self.groups) + 1) + near[hit] + first
            distinct, inverse = np.unique(pairs, return_inverse=True)
            place[hit] = len(sets) + inverse
            sets += [
                (*sets[pair // (len(self.groups) + 1)], pair % (len(self.groups) + 1)) for pair in distinct.tolist()
            ]
        return [[listing for group in one for listing in self.groups[group]] for one in sets], place


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
        self._networks = {size: _Networks([n for n in self.listings if len(n.network) == size]) for size in (4, 16)}

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
    def segments(self, addresses: Addresses) -> pa.Table:
        """The listed ones among `addresses`, in `SCHEMA`: spans of an address never overlap."""
        tables = [self._segments_of(addresses.texts, family) for family in addresses.families]
        return pa.concat_tables([SCHEMA.empty_table(), *tables])

    def _segments_of(self, texts: Sequence[str], family: Family) -> pa.Table:
        """Spans are worked out once per distinct set of listings, then repeated for the addresses that share it."""
        sets, place = self._networks[family.size].match(family)
        held = [spans(one, self.look_back) for one in sets]
        first = np.cumsum([0, *map(len, held)])
        count = np.array([len(one) for one in held], dtype=np.int64)[place]
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        flat = columns_of(
            _SPAN, [(s.valid_from, s.valid_to, list(s.categories), s.confidence) for one in held for s in one]
        )
        ip = pa.array(list(texts), pa.string()).take(pa.array(np.repeat(family.rows, count)))
        span = flat.take(pa.array(np.repeat(first[place], count) + offset))
        return pa.table([ip, *span.columns], schema=SCHEMA)

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
            f"{n.category}/{n.network.hex()}/{n.prefix}/{n.confidence}/{n.first_seen}/{n.last_seen}"
            for n in self.listings
            if n.last_seen >= start and _opened(n, self.look_back) < end
        )
        return hashlib.sha256("\n".join([str(self.look_back), *lines]).encode()).hexdigest()


def spans(held: Sequence[Listing], look_back: timedelta) -> list[Segment]:
    """The listings of one address as spans of constant categories and confidence; spans without any are left out."""
    if all(n.first_seen == ALWAYS and n.last_seen == NEVER for n in held):  # the usual case, without dates
        return [_segment(ALWAYS, NEVER, held)] if held else []
    edges = [(_opened(n, look_back), _closed(n), n) for n in held]
    cuts = sorted({edge for low, high, _ in edges for edge in (low, high)})
    found = []
    for low, high in pairwise(cuts):
        valid = [listing for since, until, listing in edges if since <= low and until >= high]
        if valid:
            found.append(_segment(low, high, valid))
    return found


def _segment(low: datetime, high: datetime, valid: Sequence[Listing]) -> Segment:
    names = {listing.category for listing in valid}
    if CORPORATE in names:
        return Segment(low, high, (CORPORATE,), None)
    sure = [listing.confidence for listing in valid if listing.category not in HARMLESS]
    return Segment(low, high, tuple(sorted(names)), max(sure, default=None))


def _opened(listing: Listing, look_back: timedelta) -> datetime:
    return ALWAYS if listing.first_seen - ALWAYS < look_back else listing.first_seen - look_back


def _closed(listing: Listing) -> datetime:
    return NEVER if listing.last_seen >= NEVER else listing.last_seen + TICK


def _moment(text: str, otherwise: datetime) -> datetime:
    """A date or a date-time, UTC unless it says otherwise."""
    if not text:
        return otherwise
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
