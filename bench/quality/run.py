"""Validation of one day of a big table: CPU seconds per million rows and peak memory, Great Expectations' import apart.

    python -m bench.quality.run [--rows 1000000] [--table syslog_transaction]

The day is the emulator's, multiplied (`bench.night.multiply`); each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from bench.detection.land import land
from bench.night.multiply import multiply
from pipelines.contracts import sources
from pipelines.emulator.organisation import generate
from pipelines.lake import Lake
from pipelines.state_store import StateStore

INSTANCE, TTL = "bench", timedelta(hours=1)


def make(folder: Path, table: str, rows: int) -> date:
    """Land one multiplied day under `folder`; returns it."""
    world = generate(seed=77_001, users=300, days=2, before=0, end=date(2026, 3, 20))
    small = Lake(folder / "small", StateStore(folder / "small.sqlite"))
    big = Lake(folder / "big", StateStore(folder / "big.sqlite"))
    with small.acquire(INSTANCE, None, owner="bench", ttl=TTL) as lease:
        day = land(world, small, lease, INSTANCE)[-1]
        part = small.partition(sources()[table], INSTANCE, day)
    with big.acquire(INSTANCE, None, owner="bench", ttl=TTL) as lease:
        multiply(small, big, lease, INSTANCE, day, max(1, round(rows / part.rows if part else 1)))
    return day


def judge(folder: Path, table: str, day: date) -> dict[str, float | int | str]:
    """Validate the landed partition as the night does; what importing costs is not counted."""
    from pipelines.quality import validate_partition
    from pipelines.quality.suite import great_expectations

    great_expectations()
    lake = Lake(folder / "big", StateStore(folder / "big.sqlite"))
    declared = sources()[table]
    with lake.connect() as con:
        lake.view(con, declared, INSTANCE, [day], name="judged")
        cpu, wall = time.process_time(), time.perf_counter()
        report = validate_partition(con, declared, "judged", instance=INSTANCE, day=day, history=())
        spent = time.process_time() - cpu
    return {
        "table": table, "rows": report.rows, "expectations": report.results.num_rows, "verdict": report.verdict,
        "cpu_s": round(spent, 2), "cpu_s_per_million": round(spent * 1e6 / max(1, report.rows), 2),
        "wall_s": round(time.perf_counter() - wall, 2), "peak_mb": peak_mb(),
    }  # fmt: skip


def peak_mb() -> int:
    """This process's own peak: `ru_maxrss` would count that of the process it was forked from."""
    return int(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")).split()[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 4_000_000])
    parser.add_argument("--table", default="syslog_transaction", choices=sorted(sources()))
    parser.add_argument("--judge", nargs=2, metavar=("FOLDER", "DAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        print(json.dumps(judge(Path(options.judge[0]), options.table, date.fromisoformat(options.judge[1]))))
        return
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="nowguard-quality-") as folder:
            day = make(Path(folder), options.table, rows)
            command = [sys.executable, "-m", "bench.quality.run", "--table", options.table, "--judge", folder, str(day)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
