"""Enrichment by distinct value, and a whole day of conform + enrich.

    python bench/enrichment/bench.py [--rows 10000000] [--distinct 173313] [--networks 200000] [--day-rows 333333]

Prints one JSON line per figure: CPU seconds (all threads) and wall seconds of this process, two DuckDB threads.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import struct
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import raw_day
from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

from pipelines import conform
from pipelines.enrich import Addresses, AddressLists, Enricher, Geography

DAY = date(2026, 9, 24)


def measured(name: str, work: Callable[[], Any], **facts: Any) -> Any:
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    line = {
        "name": name,
        "cpu_s": round(time.process_time() - cpu, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
        **facts,
    }
    print(json.dumps(line), flush=True)
    return result, line["cpu_s"]


def databases(folder: Path, networks: int) -> tuple[Path, Path]:
    """Synthetic city and ASN files over 11.0.0.0/8 upwards, /24 each, GeoLite2 layout."""
    city, asn = MMDBWriter(4, "GeoLite2-City"), MMDBWriter(4, "GeoLite2-ASN")
    draw = random.Random(7)
    for nth in range(networks):
        net = IPSet([IPNetwork(f"{socket.inet_ntoa(struct.pack('>I', (11 << 24) + (nth << 8)))}/24")])
        city.insert_network(net, {
            "country": {"iso_code": draw.choice(("DE", "US", "BR", "IN"))}, "city": {"names": {"en": f"City {nth % 3000}"}},
            "location": {"latitude": draw.uniform(-60, 60), "longitude": draw.uniform(-180, 180)},
        })  # fmt: skip
        asn.insert_network(
            net, {"autonomous_system_number": 1000 + nth % 5000, "autonomous_system_organization": f"Net {nth % 5000}"}
        )
    paths = folder / "city.mmdb", folder / "asn.mmdb"
    city.to_db_file(str(paths[0]))
    asn.to_db_file(str(paths[1]))
    return paths


def lists(folder: Path, networks: int) -> Path:
    """Fifty thousand nets and addresses in four categories, a tenth of them dated; a tenth of the users' addresses is listed."""
    folder.mkdir(exist_ok=True)
    draw = random.Random(11)

    def net(bits: int) -> str:
        return f"{socket.inet_ntoa(struct.pack('>I', (11 << 24) + draw.randrange(networks << 13) >> (32 - bits) << (32 - bits)))}/{bits}"

    (folder / "hosting.netset").write_text("\n".join(net(draw.choice((18, 20, 22, 24))) for _ in range(30_000)))
    (folder / "vpn.txt").write_text("\n".join(net(draw.choice((26, 28, 30))) for _ in range(10_000)))
    (folder / "tor.txt").write_text("\n".join(net(32)[:-3] for _ in range(5_000)))
    dated = [f"{net(32)[:-3]},80,2026-09-{1 + n % 28:02d},2026-10-01" for n in range(5_000)]
    (folder / "botnet.csv").write_text("\n".join(["indicator,confidence,first_seen,last_seen", *dated]))
    return folder


def by_distinct(rows: int, distinct: int, networks: int, files: tuple[Path, Path], listed: Path, folder: Path) -> None:
    con = duckdb.connect(config={"threads": 2})
    target = folder / "activity.parquet"
    con.execute(f"""COPY (WITH d AS (SELECT CAST(floor(pow(random(), 3) * {distinct}) AS BIGINT) * 7919 % {networks * 250} AS k
        FROM range({rows}))
        SELECT (11 + k // 16777216) || '.' || (k // 65536 % 256) || '.' || (k // 256 % 256) || '.' || (k % 256) AS src_ip FROM d)
        TO '{target}' (COMPRESSION zstd)""").fetchall()
    find = f"SELECT DISTINCT src_ip FROM '{target}'"
    con.execute(find).fetchall()  # warm
    addresses, floor = measured(
        "distinct addresses", lambda: con.sql(find).to_arrow_table().column(0).to_pylist(), rows=rows
    )
    addresses, packed = measured("packed and sorted", lambda: Addresses.of(addresses))
    _, place = measured(
        "city and network of each", lambda: Geography(*files).locate(addresses), addresses=len(addresses)
    )
    held, _ = measured("lists read", lambda: AddressLists(listed))
    _, tags = measured(
        "categories of each", lambda: held.segments(addresses), addresses=len(addresses), listings=len(held.listings)
    )
    print(json.dumps({"name": "lookup / distinct", "ratio": round((packed + place + tags) / floor, 2),
                      "with_distinct": round((floor + packed + place + tags) / floor, 2), "limit": 2.0}), flush=True)  # fmt: skip


def whole_day(rows: int, files: tuple[Path, Path], listed: Path, folder: Path) -> None:
    con = duckdb.connect(config={"threads": 2})
    raw_day.make(con, "bench", DAY, rows)
    enricher = Enricher(geo_db=files[0], asn_db=files[1], ip_lists=listed)

    def derive() -> duckdb.DuckDBPyRelation:
        users = conform.users(con, "bench", DAY)
        users.create("core__user")
        return conform.activities(con, "bench", DAY)

    found, conformed = measured("conform of a day", derive, rows=rows)
    out = folder / "core.parquet"

    def enrich() -> None:
        relation = enricher.apply(con, found).order("actor_user_uid, time, activity_uid")
        relation.write_parquet(str(out), compression="zstd")

    _, enriched = measured("enrich, sort and write of a day", enrich)
    made = con.sql(f"SELECT count(*), count(DISTINCT activity_uid), count(country) FROM '{out}'").fetchall()[0]
    print(json.dumps({"name": "a day", "activities": made[0], "unique": made[1], "located": made[2],
                      "cpu_s": round(conformed + enriched, 2)}), flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--distinct", type=int, default=173_313)
    parser.add_argument("--networks", type=int, default=20_000)
    parser.add_argument("--day-rows", type=int, default=333_333)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, listed = databases(folder, given.networks), lists(folder / "lists", given.networks)
        by_distinct(given.rows, given.distinct, given.networks, files, listed, folder)
        whole_day(given.day_rows, files, listed, folder)


if __name__ == "__main__":
    main()
