"""Evaluation of a big instance's posture: seconds, CPU seconds and peak memory of one step in a process of its own.

    python -m bench.posture.run [--users 20000] [--rules 60000]

The snapshot is the emulator's configuration at that size, landed as extraction lands it; nothing is asked of a server. Roles are
resolved for every user (direct, by group, contained) whether a recommendation asks for it or not; the step also writes who
rules the instance and by which way, and every exposed resource.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipelines.contracts import all_sources, contract
from pipelines.contracts.counts import QUESTIONS
from pipelines.contracts.table import Table, conform
from pipelines.lake import Lake, Lease
from pipelines.settings import Settings, load
from pipelines.state_store import StateStore

INSTANCE, DAY, TTL = "bench", date(2026, 3, 20), timedelta(hours=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--rules", type=int, default=60_000)
    parser.add_argument("--evaluate", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.evaluate:
        print(json.dumps(evaluated(given.evaluate)))  # the benchmark's answer
        return
    with tempfile.TemporaryDirectory(prefix="nowguard-bench-") as folder:
        rows = make(Path(folder), given.users, given.rules)
        command = [sys.executable, "-m", "bench.posture.run", "--evaluate", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(json.dumps({"rows": rows, **json.loads(done.stdout.splitlines()[-1])}, indent=2))  # the same


def settings_of(folder: Path) -> Settings:
    flags = {
        "data_dir": folder,
        "instance_url": "http://localhost:9",
        "instance_name": INSTANCE,
        "threads": 2,
        "memory_limit": "1GB",
    }
    return load(flags, environ={}, file=None).settings


def make(folder: Path, users: int, rules: int) -> int:
    """Land the snapshot under `folder`; returns its rows."""
    frames = configuration(users, rules)
    settings = settings_of(folder)
    lake = Lake(folder, StateStore(settings.state_file))
    landed = 0
    with lake.acquire(INSTANCE, None, owner="bench", ttl=TTL) as lease:
        read = []
        for name, table in all_sources().items():
            if table.time_column or name not in frames:
                continue
            rows = _shaped(frames[name], table)
            lake.replace(lease, table, INSTANCE, DAY, rows, quality="passed")
            landed += rows.num_rows
            read.append(
                {
                    "table": name,
                    "state": "ok",
                    "reason": "",
                    "missing_columns": [],
                    "hidden_rows": 0,
                    "rows": rows.num_rows,
                }
            )
        _land(lake, lease, "raw_servicenow__posture_table", read)
        _land(
            lake,
            lease,
            "raw_servicenow__posture_count",
            [
                {"question": question, "rows": 5_200 if question == "blacklisted_password" else 0, "state": "ok"}
                for question in QUESTIONS
            ],
        )
    return landed


def configuration(users: int, rules: int) -> dict[str, pl.DataFrame]:
    """The emulator's slow tables for that many users and access rules; memberships grow with the users."""
    from pipelines.emulator.organisation import tables
    from pipelines.emulator.organisation.build import build_company, configured
    from pipelines.emulator.organisation.population import Population
    from pipelines.emulator.organisation.streams import Streams

    population = Population(access_rules=rules, scripts=max(60, rules // 12))
    company = build_company(population, Streams(77_002), users, DAY - timedelta(days=1), 1)
    found = dict(tables.directory_tables(company.streams, company.people, company.start))
    for name, frame in configured(company).items():
        found[name] = pl.concat([found[name], frame], how="diagonal") if name in found else frame
    return found


def _shaped(frame: pl.DataFrame, table: Table) -> pa.Table:
    """The contract's columns as text, in the order of the key."""
    blank = [pl.lit("").alias(c) for c in table.wire_columns if c not in frame.columns]
    made = frame.with_columns(blank).select(
        pl.lit(INSTANCE).alias("instance"), pl.lit(DAY).alias("event_date"),
        *(pl.col(source).fill_null("").alias(ours) for source, ours in table.wire_columns.items()),
        pl.lit(datetime.combine(DAY, datetime.min.time())).alias("observed_at"),
    )  # fmt: skip
    return conform(table, made.sort("sys_id").to_arrow())


def _land(lake: Lake, lease: Lease, name: str, rows: list[dict[str, object]]) -> None:
    table = contract(name)
    named = [{"instance": INSTANCE, "event_date": DAY, **row} for row in rows]
    lake.replace(lease, table, INSTANCE, DAY, pa.Table.from_pylist(named, schema=table.arrow_schema()))


def evaluated(folder: Path) -> dict[str, object]:
    """What one evaluation costs in this process, imports and compilation among it."""
    started, cpu = time.monotonic(), time.process_time()
    from pipelines.cli.progress import Silent
    from pipelines.posture.holders import ROLE_TABLES, build_role_holders
    from pipelines.steps import open_night, run_night
    from pipelines.steps.posture import views_of

    settings = settings_of(folder)
    reports = run_night(settings, DAY, DAY, progress=Silent(), steps=("posture",), reads_posture=False)
    spent = {"seconds": round(time.monotonic() - started, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
    night = open_night(settings, DAY, DAY, Silent())
    with night.lake.connect(settings.memory_limit, settings.threads) as con:
        began = time.monotonic()
        views = views_of(night, con, DAY)
        build_role_holders(con, {table: views[table].relation for table in ROLE_TABLES})
        holders = con.execute("SELECT count(*) FROM posture_role_holder").fetchall()[0][0]
        closure = round(time.monotonic() - began, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = {row.table: row.rows for row in reports[0].rows}
    return {
        **spent,
        "recommendations": rows["out__posture"],
        "access_rows": rows["out__access"],
        "exposed_rows": rows["out__exposed_resource"],
        "role_holders": holders,
        "closure_seconds": closure,
        "peak_mb": round(peak),
    }


if __name__ == "__main__":
    main()
