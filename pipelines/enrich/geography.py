"""Where an address is and whose network it belongs to, from MMDB files that the user provides.

An absent or unreadable file gives null columns and a reason, never an error: the night goes on and coverage says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maxminddb
import pyarrow as pa

#: Columns of an address, in the order of `Geography.locate`.
SCHEMA = pa.schema(
    [
        ("ip", pa.string()),
        ("country", pa.string()),
        ("city", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("asn", pa.int64()),
        ("as_org", pa.string()),
    ]
)
_NOWHERE: tuple[str | None, ...] = (None, None, None, None)
_NOBODY: tuple[int | None, str | None] = (None, None)


@dataclass(frozen=True, slots=True)
class DataAge:
    """One source of enrichment: when its data was made, or why there is none."""

    name: str
    built_at: datetime | None
    entries: int
    reason: str = ""


class Database:
    """One MMDB, or all of a folder (some publishers split v4 and v6); opened lazily, read through the C extension."""

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
            self.reason = f"no .mmdb file in {path}"

    def _open(self, file: Path) -> None:
        try:
            self.readers.append(maxminddb.open_database(str(file)))
            self._sizes.append(file.stat().st_size)
        except (OSError, maxminddb.InvalidDatabaseError, ValueError) as error:
            self.reason = f"{self.name} database {file.name} cannot be read: {type(error).__name__}"

    def record(self, address: str) -> Mapping[str, Any] | None:
        """What is known of an address; None for a private, reserved or malformed one."""
        for reader in self.readers:
            try:
                found = reader.get(address)
            except (ValueError, maxminddb.InvalidDatabaseError):
                continue
            if isinstance(found, dict):
                return found
        return None

    def age(self) -> DataAge:
        """The oldest build of its files."""
        metadata = [reader.metadata() for reader in self.readers]
        built = min((m.build_epoch for m in metadata), default=None)
        moment = None if built is None else datetime.fromtimestamp(built, UTC).replace(tzinfo=None)
        return DataAge(self.name, moment, sum(m.node_count for m in metadata), self.reason)

    def revision(self) -> str:
        """Changes when the data does, without reading it."""
        metadata = [reader.metadata() for reader in self.readers]
        return ";".join(
            f"{m.database_type}/{m.build_epoch}/{m.node_count}/{size}"
            for m, size in zip(metadata, self._sizes, strict=True)
        )


class Geography:
    """Locates distinct addresses; what was looked up once in this process is remembered."""

    def __init__(self, city: Path | None, asn: Path | None, *, remember: int = 1_000_000) -> None:
        self.city = Database("city", city)
        self.asn = Database("asn", asn)
        self._remember = remember
        self._known: dict[str, tuple[Any, ...]] = {}

    def locate(self, addresses: Iterable[str]) -> pa.Table:
        """One row per address, in `SCHEMA`; unknown parts are null."""
        wanted = list(addresses)
        known = self._known
        if len(known) + len(wanted) > self._remember:
            known.clear()
        for address in wanted:
            if address not in known:
                known[address] = (*_place(self.city.record(address)), *_network(self.asn.record(address)))
        return columns_of(SCHEMA, [(address, *known[address]) for address in wanted])

    def revision(self) -> str:
        return hashlib.sha256(f"{self.city.revision()}|{self.asn.revision()}".encode()).hexdigest()


def columns_of(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Few rows (one per distinct value) as a table of that schema."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _place(record: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """(country, city, latitude, longitude). Without a city the coordinates are a country's centre: they are dropped."""
    if not record:
        return _NOWHERE
    if isinstance(record.get("country"), dict) or isinstance(record.get("location"), dict):  # GeoLite2
        country = (record.get("country") or record.get("registered_country") or {}).get("iso_code")
        city = ((record.get("city") or {}).get("names") or {}).get("en")
        location = record.get("location") or {}
    else:  # DB-IP
        country, city, location = record.get("country_code") or record.get("country"), record.get("city"), record
    country = country.upper() if isinstance(country, str) and len(country) == 2 else None
    latitude, longitude = _degrees(location.get("latitude"), 90), _degrees(location.get("longitude"), 180)
    if not city or latitude is None or longitude is None:
        return (country, city or None, None, None)
    return (country, str(city), latitude, longitude)


def _network(record: Mapping[str, Any] | None) -> tuple[int | None, str | None]:
    if not record:
        return _NOBODY
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        number = int(number.upper().removeprefix("AS")) if number.upper().removeprefix("AS").isdigit() else None
    organisation = record.get("autonomous_system_organization") or record.get("as_name") or record.get("name")
    return (number if isinstance(number, int) else None, str(organisation) if organisation else None)


def _degrees(value: object, limit: float) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if -limit <= number <= limit else None
