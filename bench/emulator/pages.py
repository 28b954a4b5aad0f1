"""Latency of list pages over a million transaction rows: `python -m bench.emulator.pages [--rows N] [--json FILE]`.

The server runs in a process of its own, as the demo starts it; the client is bare urllib3. Goal: a page of 1,000 rows
in under 100 ms (median and 95th percentile, counted or not), all 26 columns of the table.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl
import urllib3

NOW = datetime(2026, 3, 2, 0, 30)
DAYS = 50
GOAL_MS = 100.0
TABLE = "syslog_transaction"


def transactions(rows: int) -> pl.DataFrame:
    """One row per request of 300 users, evenly spread over the days that rotation keeps."""
    n = pl.int_range(rows, eager=True)
    start, step = NOW - timedelta(days=DAYS), timedelta(days=DAYS).total_seconds() / rows
    created = (pl.lit(start) + pl.duration(seconds=(pl.col("n") * step).cast(pl.Int64))).dt.strftime(
        "%Y-%m-%d %H:%M:%S"
    )
    user = pl.concat_str(pl.lit("user."), (pl.col("n") * 7919 % 300).cast(pl.String))
    return pl.DataFrame({"n": n}).select(
        sys_id=pl.col("n").hash(1).cast(pl.String).str.zfill(20) + pl.col("n").cast(pl.String).str.zfill(12),
        sys_created_on=created, sys_created_by=user, sys_updated_on=created, sys_updated_by=user, sys_mod_count=pl.lit("0"),
        url=pl.concat_str(pl.lit("/incident.do?sys_id="), (pl.col("n") % 9999).hash(2).cast(pl.String), pl.lit("&sysparm_view=default")),
        type=pl.lit("form"), remote_ip=pl.concat_str(pl.lit("198.51.100."), (pl.col("n") % 254 + 1).cast(pl.String)),
        user_agent=pl.lit("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0"),
        session=(pl.col("n") // 40).hash(3).cast(pl.String), response_time=(pl.col("n") % 900 + 20).cast(pl.String),
        sql_count=(pl.col("n") % 40).cast(pl.String), sql_time=(pl.col("n") % 200).cast(pl.String),
        business_rule_count=(pl.col("n") % 12).cast(pl.String), network_time=(pl.col("n") % 90).cast(pl.String),
        output_length=(pl.col("n") * 31 % 90_000).cast(pl.String), system_id=pl.lit("app128003.ams101.service-now.com:acme003"),
        gzip=pl.lit("true"), protocol=pl.lit("HTTP/1.1"), transaction_pattern=pl.lit("/incident.do"), app_scope=pl.lit("global"),
    )  # fmt: skip


def serve(rows: int, pipe: Connection) -> None:
    from pipelines.emulator.instance import EmulatorSettings
    from pipelines.emulator.server import start

    with start(None, now=NOW, settings=EmulatorSettings()) as emulator:
        began = time.perf_counter()
        emulator.control.load(TABLE, transactions(rows))
        pipe.send({**emulator.info(), "load_seconds": time.perf_counter() - began})
        while pipe.recv() != "stop":
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB; Linux reports KiB
            pipe.send((time.process_time(), peak))


class Pages:
    """A client that pages one way or another; every call is one request."""

    def __init__(self, info: dict[str, Any], *, gzip: bool) -> None:
        self.http = urllib3.HTTPConnectionPool("localhost", int(info["url"].rsplit(":", 1)[1]))
        credentials = urllib3.make_headers(
            basic_auth=f"{info['username']}:{info['password']}", accept_encoding=gzip or None
        )
        self.headers = {"Accept": "application/json", **credentials}

    def page(self, query: str, limit: int, **more: str) -> tuple[list[dict[str, str]], int]:
        fields = {"sysparm_query": query, "sysparm_limit": str(limit), **more}
        answer = self.http.request("GET", f"/api/now/table/{TABLE}", fields=fields, headers=self.headers)
        if answer.status != 200:
            raise SystemExit(f"page refused: {answer.status} {answer.data[:200]!r}")
        return json.loads(answer.data)["result"], len(answer.data)

    def keyset(self, limit: int, pages: int, **more: str) -> list[float]:
        """Milliseconds of each page, walking forward from a time in the middle."""
        at, taken = (NOW - timedelta(days=DAYS // 2)).strftime("%Y-%m-%d %H:%M:%S"), []
        for _ in range(pages):
            query = f"sys_created_on>={at}^sys_created_on<{NOW:%Y-%m-%d %H:%M:%S}^ORDERBYsys_created_on^ORDERBYsys_id"
            began = time.perf_counter()
            answer = self.http.request("GET", f"/api/now/table/{TABLE}", headers=self.headers,
                                       fields={"sysparm_query": query, "sysparm_limit": str(limit), **more})  # fmt: skip
            taken.append((time.perf_counter() - began) * 1000)
            last = json.loads(answer.data)["result"][-1]["sys_created_on"]
            at = last["value"] if isinstance(last, dict) else last
        return taken

    def offsets(self, limit: int, offsets: list[int], **more: str) -> list[float]:
        taken = []
        for offset in offsets:
            began = time.perf_counter()
            self.page("ORDERBYsys_created_on^ORDERBYsys_id", limit, sysparm_offset=str(offset), **more)
            taken.append((time.perf_counter() - began) * 1000)
        return taken


def measure(rows: int) -> dict[str, Any]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(rows, there), daemon=True)
    process.start()
    info = here.recv()

    def run(work: Callable[[], list[float]]) -> dict[str, float]:
        here.send("cpu")
        before, _ = here.recv()
        taken = work()
        here.send("cpu")
        cpu = (here.recv()[0] - before) * 1000 / len(taken)
        return {"median_ms": round(statistics.median(taken), 1), "p95_ms": round(sorted(taken)[int(len(taken) * 0.95)], 1),
                "server_cpu_ms": round(cpu, 1), "pages": len(taken)}  # fmt: skip

    pages = Pages(info, gzip=False)
    no_count = {"sysparm_no_count": "true"}
    found = {
        "first 1,000 after load": run(lambda: pages.keyset(1000, 1)),
        "keyset 1,000, no count": run(lambda: pages.keyset(1000, 30, **no_count)),
        "keyset 1,000, with count": run(lambda: pages.keyset(1000, 20)),
        "keyset 1,000, display values": run(lambda: pages.keyset(1000, 20, sysparm_display_value="all", **no_count)),
        "keyset 1,000, gzip": run(lambda: Pages(info, gzip=True).keyset(1000, 20, **no_count)),
        "keyset 10,000, no count": run(lambda: pages.keyset(10_000, 10, **no_count)),
        "offset 1,000, with count": run(lambda: pages.offsets(1000, list(range(0, min(rows, 100_000), 5_000)))),
    }
    here.send("memory")
    _, peak = here.recv()
    here.send("stop")
    process.join(10)
    return {
        "rows": rows,
        "load_seconds": round(info["load_seconds"], 1),
        "peak_mib": round(peak),
        "python": sys.version.split()[0],
        "cases": found,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = measure(given.rows)
    print(
        f"{given.rows:,} rows loaded in {found['load_seconds']} s, server peak {found['peak_mib']} MiB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}"
    )
    for name, values in found["cases"].items():
        print(
            f"{name:32} median {values['median_ms']:7.1f} ms   p95 {values['p95_ms']:7.1f} ms   server CPU {values['server_cpu_ms']:7.1f} ms"
        )
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    slow = [n for n, v in found["cases"].items() if "1,000" in n and "10,000" not in n and v["median_ms"] > GOAL_MS]
    print("goal met" if not slow else f"over {GOAL_MS:.0f} ms: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
