"""Run the extraction benchmarks and print figures, ratios and goals.

    python -m bench.extraction.run [--rows 100000] [--rounds 3] [--dlt-python /path/to/python] [--gzip] [--json FILE]
    python -m bench.extraction.run --latency 0.2 --session-sync --rows 200000        wall goals
    python -m bench.extraction.run --only ours --rows 2000000 --rounds 1             memory

`NOWGUARD_BENCH_PYTHON` names the interpreter that has dlt[parquet] (`make bench` creates it); without one dlt is left out
and the output says so. Clients take turns within a round, each in a process of its own; CPU seconds and peak memory are
the operating system's account of that process, imports included. Read CPU first: a busy machine stretches wall.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PYSNC_ROWS = 100_000  # it keeps every record in memory: more would only be slower
WORKERS = 4
PAGE = 10_000


@dataclass(frozen=True)
class Figure:
    """One child process."""

    client: str
    rows: int
    wall: float
    cpu: float
    peak_mib: float
    facts: dict[str, float]

    @property
    def rows_per_cpu_second(self) -> float:
        return self.rows / self.cpu


@contextmanager
def serving(rows: int, latency: float, session_sync: bool) -> Iterator[str]:
    """The URL of a mock in a process of its own."""
    command = [sys.executable, "-m", "bench.extraction.server", "--rows", str(rows), "--latency", str(latency)]
    with subprocess.Popen(
        command + (["--session-sync"] if session_sync else []), stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def measure(client: str, rows: int, command: Sequence[str]) -> Figure:
    """Run `command` to its end. Its last line of output may be a JSON object of facts."""
    started = time.monotonic()
    child = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if client == "dlt" else None, text=True
    )
    assert child.stdout is not None
    said = child.stdout.read().strip()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if child.returncode:
        raise SystemExit(f"{client} failed with {child.returncode}: {said[-500:]}")
    last = said.splitlines()[-1] if said else ""
    facts = json.loads(last) if last.startswith("{") else {}
    return Figure(client, rows, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, facts)


def commands(url: str, given: argparse.Namespace, out: Path) -> dict[str, tuple[int, list[str]]]:
    """client -> (rows, command); in the order of a round."""
    plain = ["--url", url, "--rows", str(given.rows)]
    few = min(given.rows, PYSNC_ROWS if given.latency == 0 else 20_000)
    found: dict[str, tuple[int, list[str]]] = {
        "ours": (
            given.rows,
            [sys.executable, "-m", "bench.extraction.ours", *plain, "--workers", str(WORKERS), "--page", str(PAGE)],
        ),
        "raw": (
            given.rows,
            [sys.executable, "-m", "bench.extraction.raw_bodies", *plain, *(["--gzip"] if given.gzip else [])],
        ),
    }
    if given.dlt_python:
        found["dlt"] = (given.rows, [given.dlt_python, str(HERE / "with_dlt.py"), *plain])
    else:
        print("dlt is left out: give --dlt-python or NOWGUARD_BENCH_PYTHON (an environment with dlt[parquet])")
    found["pysnc"] = (few, [sys.executable, str(HERE / "with_pysnc.py"), "--url", url, "--rows", str(few)])
    for client, (_, command) in found.items():
        command += ["--out", str(out / client)]
    return {client: found[client] for client in found if not given.only or client in given.only}


def rounds(given: argparse.Namespace) -> list[Figure]:
    figures: list[Figure] = []
    with serving(given.rows, given.latency, given.session_sync) as url, tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        children = commands(url, given, out)
        measure("warm-up", given.rows, children[next(iter(children))][1])  # renders and squeezes the server's pages
        for number in range(given.rounds):
            for client, (rows, command) in children.items():
                if client == "pysnc" and number:
                    continue  # minutes a run, and its figure hardly moves
                shutil.rmtree(out / client, ignore_errors=True)
                figures.append(measure(client, rows, command))
                _print_figure(figures[-1])
    return figures


def _print_figure(f: Figure) -> None:
    print(
        f"  {f.client:<8} {f.rows:>9,} rows  wall {f.wall:7.2f} s  CPU {f.cpu:6.2f} s  "
        f"{f.rows_per_cpu_second:>9,.0f} rows/CPU s  peak {f.peak_mib:5.0f} MiB  {f.facts or ''}",
        flush=True,
    )


def judge(figures: list[Figure], given: argparse.Namespace) -> list[tuple[str, float, str, bool]]:
    """(what, figure, goal, reached): medians over the rounds."""

    def middle(client: str, what: str) -> float | None:
        values = [getattr(f, what) for f in figures if f.client == client]
        return statistics.median(values) if values else None

    found: list[tuple[str, float, str, bool]] = []
    ours = middle("ours", "rows_per_cpu_second")
    if ours is None:
        return found
    for client, least in (("dlt", 6.0), ("pysnc", 20.0)):
        theirs = middle(client, "rows_per_cpu_second")
        if theirs and given.latency == 0:
            found.append(
                (f"rows per CPU second, times {client}", ours / theirs, f">= {least:g}", ours / theirs >= least)
            )
    raw, cpu, wall = middle("raw", "cpu"), middle("ours", "cpu"), middle("ours", "wall")
    if raw and cpu and given.latency == 0:
        found.append(("CPU, times saving raw bodies", cpu / raw, "<= 9", cpu / raw <= 9))
    if given.latency and wall:
        ideal = -(-given.rows // PAGE) / WORKERS * given.latency
        read = statistics.median(f.facts["read_seconds"] for f in figures if f.client == "ours")
        found.append(
            (f"wall of reading, times {ideal:.1f} s (pages/4 x latency)", read / ideal, "<= 1.5", read / ideal <= 1.5)
        )
        if (theirs := middle("dlt", "wall")) is not None:
            found.append(("wall, times faster than dlt", theirs / wall, ">= 8", theirs / wall >= 8))
    peak = max(f.peak_mib for f in figures if f.client == "ours")
    found.append(("peak memory, MiB", peak, "<= 300", peak <= 300))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--session-sync", action="store_true")
    parser.add_argument(
        "--gzip", action="store_true", help="raw bodies ask for gzip as well (the other clients always do)"
    )
    parser.add_argument("--only", nargs="*", choices=["ours", "raw", "dlt", "pysnc"])
    parser.add_argument("--dlt-python", default=os.environ.get("NOWGUARD_BENCH_PYTHON", ""))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = rounds(given)
    judged = judge(figures, given)
    for what, figure, goal, reached in judged:
        print(f"{'reached' if reached else 'MISSED ':<8} {what:<55} {figure:8.2f}   goal {goal}")
    if given.json:
        given.json.write_text(json.dumps({"figures": [asdict(f) for f in figures], "goals": judged}, indent=1))


if __name__ == "__main__":
    main()
