"""What the organisation's addresses look like to the client: location databases and IP lists, written as files."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from pipelines.emulator.organisation.world import NetBlock, World

HEADER = "indicator,confidence,first_seen,last_seen"
DATED = ("botnet", "password_spray", "scanner")


def _city(block: NetBlock) -> dict[str, object]:
    record: dict[str, object] = {
        "country": {"iso_code": block.country, "names": {"en": block.country}},
        "location": {
            "latitude": float(block.latitude or 0.0),
            "longitude": float(block.longitude or 0.0),
            "accuracy_radius": 20 if block.city else 1000,
        },
    }
    if block.city:
        record["city"] = {"names": {"en": block.city}}
    return record


def _asn(block: NetBlock) -> dict[str, object]:
    return {"autonomous_system_number": block.asn, "autonomous_system_organization": block.as_org}


def network_mmdb(world: World, folder: Path) -> tuple[Path, Path]:
    """Writes `city.mmdb` and `asn.mmdb` in the GeoLite2 field layout; a record without a city has a country's centre."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / "city.mmdb", folder / "asn.mmdb")
    for path, kind, record in zip(paths, ("GeoLite2-City", "GeoLite2-ASN"), (_city, _asn), strict=True):
        writer = MMDBWriter(
            ip_version=6,
            database_type=kind,
            languages=["en"],
            ipv4_compatible=True,
            description="Generated, no real network",
        )
        for block in world.network:
            writer.insert_network(IPSet([block.cidr]), record(block))
        writer.to_db_file(str(path))
    return paths


def ip_lists(world: World, folder: Path) -> Path:
    """Writes one `<category>.txt` per category of the plan and a `<category>.csv` for those with dates."""
    folder.mkdir(parents=True, exist_ok=True)
    plain: dict[str, list[str]] = defaultdict(list)
    for block in world.network:
        for category in block.categories:
            plain[category].append(block.cidr)
    dated: dict[str, list[str]] = {category: [] for category in DATED}
    for entry in world.listings:
        line = f"{entry.indicator},{entry.confidence},{entry.first_seen},{entry.last_seen}"
        dated.setdefault(entry.category, []).append(line)
    for category, lines in plain.items():
        (folder / f"{category}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for category, lines in dated.items():
        (folder / f"{category}.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return folder
