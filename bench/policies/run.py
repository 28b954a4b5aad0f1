"""Features and policies of one day with kept state, against recomputing the whole period; and memory over the period.

    python -m bench.policies.run [--days 30] [--rows 333333] [--users 20000] [--folder DIR]

Prints one JSON line per figure. CPU seconds are of all threads; `peak_mb` is this process's. Two DuckDB threads, 2 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.policies.activities import INSTANCE, write_day
from pipelines import features, policies
from pipelines.contracts import contract
from pipelines.contracts.table import Table, empty
from pipelines.window import DAY

FIRST = date(2026, 1, 1)


@contextmanager
def measured(name: str, **facts: Any) -> Iterator[dict[str, Any]]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield facts
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    facts |= {
        "cpu_s": round(time.process_time() - cpu, 2),
        "wall_s": round(time.perf_counter() - wall, 2),
        "peak_mb": peak,
    }
    print(json.dumps({"name": name, **facts}), flush=True)


class Store:
    """Partitions as Parquet files in a folder: what the lake does, without ledger and hashes."""

    def __init__(self, folder: Path, days: list[date]) -> None:
        self.folder, self.days = folder, days

    def connect(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect()
        con.execute(
            "SET threads = 2; SET memory_limit = '2GB'; SET TimeZone = 'UTC'; SET preserve_insertion_order = false"
        )
        con.execute(f"SET temp_directory = '{self.folder}/tmp'")
        return con

    def path(self, table: str, day: date) -> Path:
        return self.folder / table / f"{day}.parquet"

    def view(self, con: duckdb.DuckDBPyConnection, table: Table, days: list[date], name: str = "") -> None:
        files = [str(path) for day in days if (path := self.path(table.name, day)).is_file()]
        if files:
            con.execute(f'CREATE OR REPLACE TEMP VIEW "{name or table.name}" AS SELECT * FROM read_parquet({files})')
        else:
            con.register(name or table.name, empty(table))

    def write(self, table: Table, day: date, rows: duckdb.DuckDBPyRelation) -> None:
        path = self.path(table.name, day)
        path.parent.mkdir(exist_ok=True)
        rows.order(", ".join(table.sort_by)).write_parquet(str(path), compression="zstd", row_group_size=100_000)


def build(store: Store, day: date, *, split: bool = False) -> int:
    """The features step and the detect step for one day; the number of detections. `split` prints the parts."""
    found = 0
    con = store.connect()
    store.view(con, contract("core__activity"), [day - DAY, day])
    for name in ("core__user", "core__identity"):
        store.view(con, contract(name), [day])
    for table in features.order():
        if table.layer == "state":
            store.view(con, table, [day - DAY], table.name + features.PREVIOUS)
    for table, select in features.selects(INSTANCE, day):
        with part(table.name, split):
            store.write(table, day, con.sql(f"SELECT {table.casts} FROM ({select})"))
    for policy in policies.registry().values():
        for name in policy.reads:
            store.view(con, contract(name), [day - DAY, day])
        with part(policy.id, split):
            found += policies.evaluate(policy, con, INSTANCE, day).detections.num_rows
    con.close()
    return found


@contextmanager
def part(name: str, shown: bool) -> Iterator[None]:
    if not shown:
        yield
        return
    with measured(f"  {name}"):
        yield


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--rows", type=int, default=333_333)
    asked.add_argument("--users", type=int, default=20_000)
    asked.add_argument("--folder", type=Path)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        days = [FIRST + timedelta(days=n) for n in range(options.days)]
        store = Store(folder, days)
        (folder / "core__activity").mkdir(parents=True, exist_ok=True)
        con = store.connect()
        with measured("generate", rows=options.rows * options.days):
            for day in days:
                if not store.path("core__activity", day).is_file():
                    write_day(con, folder / "core__activity", day, rows=options.rows, users=options.users)
        con.close()
        with measured("from scratch", rows=options.rows * options.days) as whole:
            whole["detections"] = sum(build(store, day) for day in days)
        with measured("scan of the day's columns") as scan:
            store.connect().sql(
                "SELECT count(DISTINCT actor_user_uid), max(time), count(DISTINCT src_ip), max(activity_name), max(city) "
                f"FROM read_parquet('{store.path('core__activity', days[-1])}')"
            ).fetchall()
        build(store, days[-1], split=True)
        with measured("one day with kept state", rows=options.rows) as one:
            one["detections"] = build(store, days[-1])
        sizes = {
            name.name: round(sum(f.stat().st_size for f in name.glob("*.parquet")) / 1e6, 1)
            for name in folder.iterdir()
            if name.is_dir()
        }
        print(
            json.dumps(
                {
                    "name": "ratio",
                    "recompute_over_day_cpu": round(whole["cpu_s"] / one["cpu_s"], 1),
                    "day_over_scan_cpu": round(one["cpu_s"] / max(scan["cpu_s"], 0.01), 1),
                    "mb": sizes,
                }
            )
        )


if __name__ == "__main__":
    main()
