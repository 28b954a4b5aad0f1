"""A night of a big organisation on landed rows, with kept state, against recomputing the month; memory of both.

    python -m bench.night.run [--rows 333333] [--days 30] [--folder DIR] [--keep]

Lands `--days` days of on average `--rows` transactions and events each, the last one of just about as many, straight into a
lake (no HTTP). Then, each in a process of its own
(`nowguard run --from-step validate`): the whole period from scratch; one more day with the state that was kept; that day again
(nothing changed). The alerts of day-by-day and from-scratch are compared. Prints one JSON line per figure.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.detection.land import land
from bench.detection.replay import INSTANCE
from bench.night.multiply import multiply
from pipelines.emulator.organisation import generate, ip_lists, network_mmdb
from pipelines.lake import Lake
from pipelines.state_store import StateStore
from pipelines.window import DAY

USERS, SEED = 300, 77_001
TTL = timedelta(hours=6)
NIGHTLY, SCRATCH = "nightly", "scratch"


def make(folder: Path, rows: int, days: int) -> tuple[dict[date, int], float]:
    """Land the period under `folder`/scratch and `folder`/nightly. Returns how many copies each day is made of, rows a day."""
    world = generate(seed=SEED, users=USERS, days=days, before=0, end=date(2026, 3, 20))
    network_mmdb(world, folder / "geo")
    ip_lists(world, folder / "lists")
    small = Lake(folder / "small", StateStore(folder / "small.sqlite"))
    with small.acquire(INSTANCE, None, owner="bench", ttl=TTL) as lease:
        period = land(world, small, lease, INSTANCE)
    logs = [world.tables[name]["sys_created_on"] for name in ("syslog_transaction", "sysevent")]
    copies = dict.fromkeys(period, max(1, round(rows * days / sum(map(len, logs)))))
    # a weekday has more than the average
    of_last = sum(int(log.str.starts_with(str(period[-1])).sum()) for log in logs)
    copies[period[-1]] = max(1, round(rows / of_last))
    written = sum(put(folder, small, SCRATCH, day, copies[day]) for day in period)
    shutil.copytree(folder / SCRATCH, folder / NIGHTLY)
    return copies, written / days


def put(folder: Path, small: Lake, data: str, day: date, copies: int) -> int:
    """Land one multiplied day in the lake `data`."""
    store = StateStore(folder / data / "state" / "nowguard.sqlite")
    big = Lake(folder / data, store)
    with big.acquire(INSTANCE, None, owner="bench", ttl=TTL) as lease:
        rows = multiply(small, big, lease, INSTANCE, day, copies)
    store.close()
    return rows


def run(folder: Path, data: str, first: date, last: date, threads: int = 2) -> dict[str, Any]:
    """`nowguard run --from-step validate` in a child process: its wall and CPU seconds and its peak memory."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("NOWGUARD_")} | {
        "NOWGUARD_DATA_DIR": str(folder / data), "NOWGUARD_INSTANCE_NAME": INSTANCE, "NOWGUARD_INSTANCE_URL": "http://localhost",
        "NOWGUARD_USERNAME": "nowguard.collector", "NOWGUARD_GEO_DB": str(folder / "geo" / "city.mmdb"),
        "NOWGUARD_ASN_DB": str(folder / "geo" / "asn.mmdb"), "NOWGUARD_IP_LISTS": str(folder / "lists"), "NOWGUARD_THREADS": str(threads),
    }  # fmt: skip
    command = [sys.executable, "-m", "pipelines.cli", "run", "--from", str(first), "--to", str(last)]
    started = time.monotonic()
    with (folder / f"{data}-{last}.log").open("a") as log:
        child = subprocess.Popen([*command, "--from-step", "validate"], env=environ, stdout=log, stderr=log)
        peak = 0
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
            peak = max(peak, _peak_mb(child.pid))
            time.sleep(0.1)
    _, status, usage = ended
    if status:
        raise SystemExit(f"the run failed: {(folder / f'{data}-{last}.log').read_text()[-2000:]}")
    return {
        "wall_s": round(time.monotonic() - started, 1), "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": peak,
    }  # fmt: skip


def _peak_mb(pid: int) -> int:
    """The process's own peak so far: `ru_maxrss` would count that of the process it was forked from."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def alerts_of(folder: Path, data: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / data / "warehouse" / "nowguard.duckdb"), read_only=True) as con:
        return con.execute(
            "SELECT alert_uid, policy_id, actor_user_uid, first_seen, last_seen, risk_score, evidence_count FROM mart.alerts ORDER BY ALL"
        ).fetchall()


def say(name: str, **facts: Any) -> None:
    print(json.dumps({"name": name, **facts}, default=str), flush=True)


def main() -> None:
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="nowguard-night-"))
    folder.mkdir(parents=True, exist_ok=True)
    copies, rows = make(folder, options.rows, options.days)
    period = list(copies)
    say(
        "landed",
        days=len(period),
        copies=sorted(set(copies.values())),
        rows_a_day=round(rows),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    last = period[-1]
    _forget(folder, last)
    say("history from scratch", days=len(period) - 1, **run(folder, NIGHTLY, period[0], last - DAY, options.threads))
    put(folder, Lake(folder / "small", StateStore(folder / "small.sqlite")), NIGHTLY, last, copies[last])
    day = run(folder, NIGHTLY, last, last, options.threads)
    say("one day with kept state", **day)
    say("the same day again", **run(folder, NIGHTLY, last, last, options.threads))
    whole = run(folder, SCRATCH, period[0], last, options.threads)
    say("everything from scratch", days=len(period), **whole)
    nightly, scratch = alerts_of(folder, NIGHTLY), alerts_of(folder, SCRATCH)
    say(
        "ratio",
        recompute_over_day_cpu=round(whole["cpu_s"] / day["cpu_s"], 1),
        alerts=len(scratch),
        equal=nightly == scratch,
    )
    if not options.keep:
        shutil.rmtree(folder)


def _forget(folder: Path, day: date) -> None:
    """Take a day out of the nightly ledger: as if it had not landed yet. Its files are swept by the first run."""
    store = StateStore(folder / NIGHTLY / "state" / "nowguard.sqlite")
    with store.transaction() as connection:
        for table in ("partition", "partition_file"):
            connection.execute(f"DELETE FROM {table} WHERE day = ?", (str(day),))
    store.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=333_333, help="transactions and events a day")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind")
    return parser.parse_args()


if __name__ == "__main__":
    main()
