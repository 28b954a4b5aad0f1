"""Measure the policies over many seeded organisations:  python -m bench.detection.run --seeds 10

Each seed is a whole organisation, generated, landed and judged in its own process. The policies beyond the ten of the
targets are reported apart. Seeds start at 1001 so that they are
none that a test uses. The first days are a warm-up and do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.detection.judge import Incident
from bench.detection.metrics import Organisation, counted_days, outcome
from bench.detection.report import false_scenes, figures, missed_scenes, ranks, table
from bench.detection.targets import OTHERS, TARGETS

FIRST_SEED = 1001
TEN = tuple(policy for policy in TARGETS if policy != "all")


@dataclass(frozen=True)
class Measured:
    """One organisation: judged by the ten, and by all policies together, of which the others are reported."""

    ten: Organisation
    everything: Organisation
    incidents: list[Incident]
    seconds: Mapping[str, float]


def measure(
    seed: int, *, users: int, days: int, before: int, sensitivity: str, scene_rate: float, keep: Path | None
) -> Measured:
    """One organisation from seed to verdicts."""
    from bench.detection.replay import replay
    from pipelines.emulator.organisation import Population, generate

    started = time.monotonic()
    world = generate(seed=seed, users=users, days=days, before=before, population=Population(scene_rate=scene_rate))
    made = time.monotonic() - started
    with tempfile.TemporaryDirectory(prefix=f"nowguard-{seed}-") as scratch:
        found = replay(world, keep / str(seed) if keep else Path(scratch), sensitivity=sensitivity)
    counted = counted_days(world.start, world.end, before)
    judged = partial(outcome, seed, found.alerts, found.incidents, humans=found.humans, days=counted)
    spent = {"generate": made, **found.seconds}
    return Measured(judged(policies=TEN), judged(policies=(*TEN, *OTHERS)), found.incidents, spent)


def main() -> None:
    options = _options()
    job = partial(
        measure,
        users=options.users,
        days=options.days,
        before=options.before,
        sensitivity=options.sensitivity,
        scene_rate=options.scene_rate,
        keep=options.keep,
    )
    results = []
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        waiting = {
            pool.submit(job, seed): seed for seed in range(options.first_seed, options.first_seed + options.seeds)
        }
        for done in as_completed(waiting):
            results.append(done.result())
            spent = results[-1].seconds
            print(
                f"seed {waiting[done]}: {sum(spent.values()):.0f} s "
                + " ".join(f"{k} {v:.1f}" for k, v in spent.items()),
                flush=True,
            )
    results.sort(key=lambda result: result.ten.seed)
    report = summarise(results)
    print("\n".join(_lines(report)))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1, default=str) + "\n", encoding="utf-8")


def summarise(results: Sequence[Measured]) -> dict[str, Any]:
    organisations = [one.ten for one in results]
    everything = [one.everything for one in results]
    others = figures(everything, OTHERS)
    return {
        "seeds": [org.seed for org in organisations],
        "humans": organisations[0].humans,
        "days": len(organisations[0].days),
        "figures": figures(organisations, TEN),
        "others": {policy: others[policy] for policy in OTHERS},
        "ranking": ranks(organisations),
        "missed": missed_scenes(organisations),
        "false": false_scenes([(one.ten, one.incidents) for one in results]),
        "others_missed": missed_scenes([org.naming(OTHERS) for org in everything]),
        "others_false": [
            told for told in false_scenes([(one.everything, one.incidents) for one in results]) if told[0] in OTHERS
        ],
    }


def _lines(report: dict[str, Any]) -> list[str]:
    ranking = report["ranking"]
    return [
        f"\n{len(report['seeds'])} organisations of {report['humans']} people over {report['days']} days (medians)",
        *table(report["figures"]),
        f"\nranking of user-days: average precision {ranking['average_precision']}, recall at budget {ranking['recall_at']}",
        f"calibration of risk_score: expected error {ranking['calibration_error']}, Brier {ranking['brier']}",
        "\n" + _missed(report["missed"]),
        _false(report["false"]),
        "\nbeyond the ten, in none of the figures above",
        *table(report["others"]),
        _missed(report["others_missed"]),
        _false(report["others_false"]),
    ]


def _missed(scenes: Sequence[tuple[str, int, int]]) -> str:
    return "missed attacks: " + ", ".join(f"{scene} {missed}/{played}" for scene, missed, played in scenes)


def _false(scenes: Sequence[tuple[str, str, int]]) -> str:
    return "false alerts: " + ", ".join(f"{policy} in {scene} {size}" for policy, scene, size in scenes[:25])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="organisations")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--days", type=int, default=30, help="days that count")
    parser.add_argument("--before", type=int, default=7, help="days of warm-up")
    parser.add_argument("--sensitivity", choices=("low", "medium", "high"), default="medium")
    parser.add_argument(
        "--scene-rate", type=float, default=1.0, help="copies of each scenario per 300 users and 30 days"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="processes")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--keep", type=Path, help="keep each organisation's data directory there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
