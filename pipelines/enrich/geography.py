"""Where an address is and whose network it belongs to, from MMDB files that the user provides.

An absent or unreadable file gives null columns and a reason, never an error: the night goes on and coverage says why.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maxminddb
import pyarrow as pa

from pipelines.enrich.addresses import Addresses, Family, columns_of

_PLACE = pa.schema(
    [("country", pa.string()), ("city", pa.string()), ("latitude", pa.float64()), ("longitude", pa.float64())]
)
_NETWORK = pa.schema([("asn", pa.int64()), ("as_org", pa.string())])
#: Columns of `Geography.locate`.
SCHEMA = pa.schema([("ip", pa.string()), *_PLACE, *_NETWORK])

Record = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DataAge:
    """One source of enrichment: when its data was made, or why there is none."""

    name: str
    built_at: datetime | None
    entries: int
    reason: str = ""


class Database:
    """One MMDB, or all of a folder (some publishers split v4 and v6), read through the C extension."""

    def __init__(self, name: str, path: Path | None) -> None:
        self.name = name
        self.readers: list[maxminddb.Reader] = []
        self.reason = ""
        self._sizes: list[int] = []
        if path is None:
            self.reason = f"no {name} database is set"
            return
        for file in sorted(path.glob("*.mmdb")) if path.is_dir() else [path]:
            self._open(file)
        if not self.readers and not self.reason:
            self.reason = f"no .mmdb file in {path.name}"

    def _open(self, file: Path) -> None:
        try:
            self.readers.append(maxminddb.open_database(str(file)))
            self._sizes.append(file.stat().st_size)
        except (OSError, maxminddb.InvalidDatabaseError, ValueError) as error:
            self.reason = f"{self.name} database {file.name} cannot be read: {type(error).__name__}"

    def records(self, addresses: Addresses) -> tuple[list[Record], list[int]]:
        """Distinct records, and for each address the number of its record; number 0 is None, nothing known."""
        found: list[Record] = [None]
        place = [0] * len(addresses)
        for family in addresses.families:
            for reader in self.readers:
                if family.size == 4 or reader.metadata().ip_version == 6:
                    self._walk(reader, addresses.texts, family, found, place)
        return found, place

    def _walk(
        self, reader: maxminddb.Reader, texts: Sequence[str], family: Family, found: list[Record], place: list[int]
    ) -> None:
        """One look-up per network of the database that holds an address: the addresses are in order."""
        last, number = -1, 0
        for row, address in zip(family.rows.tolist(), family.numbers(), strict=True):
            if address > last:
                try:
                    record, prefix = reader.get_with_prefix_len(_plain(texts[row], family.size))
                except (maxminddb.InvalidDatabaseError, ValueError) as error:
                    self.reason = f"{self.name} database is damaged: {type(error).__name__}"
                    return
                last = address | ((1 << family.size * 8 - prefix) - 1)
                number = 0
                if isinstance(record, dict):
                    number = len(found)
                    found.append(record)
            if number:
                place[row] = number

    def age(self) -> DataAge:
        """The oldest build of its files."""
        metadata = [reader.metadata() for reader in self.readers]
        built = min((m.build_epoch for m in metadata), default=None)
        moment = None if built is None else datetime.fromtimestamp(built, UTC).replace(tzinfo=None)
        return DataAge(self.name, moment, sum(m.node_count for m in metadata), self.reason)

    def revision(self) -> str:
        """Changes when the data does, without reading it."""
        parts = [(r.metadata(), size) for r, size in zip(self.readers, self._sizes, strict=True)]
        return ";".join(f"{m.database_type}/{m.build_epoch}/{m.node_count}/{size}" for m, size in parts)


class Geography:
    """Locates distinct addresses."""

    def __init__(self, city: Path | None, asn: Path | None) -> None:
        self.city = Database("city", city)
        self.asn = Database("asn", asn)

    def locate(self, addresses: Addresses) -> pa.Table:
        """One row per address, in `SCHEMA`; unknown parts are null (private and reserved addresses: all of them)."""
        place = _described(self.city.records(addresses), _place, _PLACE)
        network = _described(self.asn.records(addresses), _network, _NETWORK)
        ip = pa.array(list(addresses.texts), pa.string())
        return pa.table([ip, *place.columns, *network.columns], schema=SCHEMA)

    def revision(self) -> str:
        return hashlib.sha256(f"{self.city.revision()}|{self.asn.revision()}".encode()).hexdigest()


def _plain(text: str, size: int) -> str:
    """A v4 address in v6 clothes without them: its family is v4, and so must be the prefix that is answered."""
    if size == 4 and ":" in text:
        return str(ipaddress.IPv6Address(text).ipv4_mapped)
    return text


def _described(
    looked_up: tuple[list[Record], list[int]], describe: Callable[[Record], tuple[Any, ...]], schema: pa.Schema
) -> pa.Table:
    records, place = looked_up
    return columns_of(schema, [describe(record) for record in records]).take(pa.array(place, pa.int64()))


def _place(record: Record) -> tuple[Any, ...]:
    """(country, city, latitude, longitude). Without a city the coordinates are a country's centre: they are dropped."""
    if not record:
        return (None, None, None, None)
    if isinstance(record.get("country"), dict) or isinstance(record.get("location"), dict):  # GeoLite2
        country = (record.get("country") or record.get("registered_country") or {}).get("iso_code")
        city = ((record.get("city") or {}).get("names") or {}).get("en")
        location = record.get("location") or {}
    else:  # DB-IP
        country, location = record.get("country_code") or record.get("country"), record
        city = str(record.get("city") or "").split(" (")[0]  # "Berlin (Mitte)": a district is no other city
    country = country.upper() if isinstance(country, str) and len(country) == 2 else None
    latitude, longitude = _degrees(location.get("latitude"), 90), _degrees(location.get("longitude"), 180)
    if not city or latitude is None or longitude is None:
        return (country, str(city) if city else None, None, None)
    return (country, str(city), latitude, longitude)


def _network(record: Record) -> tuple[int | None, str | None]:
    if not record:
        return (None, None)
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        digits = number.upper().removeprefix("AS")
        number = int(digits) if digits.isdigit() else None
    organisation = record.get("autonomous_system_organization") or record.get("as_name") or record.get("name")
    return (number if isinstance(number, int) else None, str(organisation) if organisation else None)


def _degrees(value: object, limit: float) -> float | None:
    try:
        number = value if isinstance(value, float) else float(str(value))
    except ValueError:
        return None
    return number if -limit <= number <= limit else None
