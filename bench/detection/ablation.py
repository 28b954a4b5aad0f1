"""What the models add to the rules:  python -m bench.detection.ablation --seeds 10

One replay an organisation, judged by the alerts of the rules alone, of the model policies alone, and of both; then once more for each
level of `bench.detection.loosened`, by rules with lower limits, for what the same recall or the same false alerts cost without a model. The
user-day ranking is that of `mart.user_risk` for both, of the alerts for the rules alone, and of the model's score for the models.
Seeds are drawn at run time unless given; every attack counts that any of the policies should report.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from bench.detection.judge import Verdict
from bench.detection.loosened import LEVELS, policies_dir
from bench.detection.metrics import (
    BUDGETS,
    Organisation,
    attacked_user_days,
    average_precision,
    calibration,
    counted_days,
    false_alerts,
    outcome,
    precision,
    recall,
)
from pipelines.window import days_between

SIDES = ("rules", "models", "both")
LOOSER = {f"rules x{level:g}": level for level in LEVELS}
MODEL_KIND = "model"
#: Scenes that the model must add recall on: taking and looking below every limit.
HARD = ("drip_copying", "snooping", "parting_gifts", "saturday_haul", "token_drip")
UserDays = Mapping[tuple[str, date], float]


@dataclass(frozen=True)
class Measured:
    """One organisation by side, those of `LOOSER` included; `ranks` holds the score of user-days by side of `SIDES`."""

    seed: int
    sides: Mapping[str, Organisation]
    ranks: Mapping[str, UserDays]
    user_days: int
    seconds: Mapping[str, float]


def measure(seed: int, *, users: int, days: int, before: int, scene_rate: float) -> Measured:
    from bench.detection.replay import rejudge, replay
    from pipelines.emulator.organisation import Population, generate
    from pipelines.policies.registry import catalogue

    started = time.monotonic()
    world = generate(seed=seed, users=users, days=days, before=before, population=Population(scene_rate=scene_rate))
    made = time.monotonic() - started
    with tempfile.TemporaryDirectory(prefix=f"nowguard-{seed}-") as scratch:
        found = replay(world, Path(scratch))
        looser = {side: rejudge(found, policies_dir(Path(scratch) / side, level)) for side, level in LOOSER.items()}
    counted = counted_days(world.start, world.end, before)
    kinds = {id_: str(policy.kind) for id_, policy in catalogue().items()}
    chosen = {
        "rules": [p for p, kind in kinds.items() if kind != MODEL_KIND],
        "models": [p for p, kind in kinds.items() if kind == MODEL_KIND],
        "both": list(kinds),
    }
    sides = {side: _outcome(seed, found, counted, kinds, chosen[side]) for side in SIDES}
    for side, alerts in looser.items():
        sides[side] = _outcome(seed, replace(found, alerts=alerts), counted, kinds, chosen["rules"])
    risk = [row for row in found.user_risk if row["event_date"] in set(counted)]
    ranks = {
        "rules": _alert_risk(found.alerts, set(chosen["rules"]), set(counted)),
        "models": {
            (r["actor_user_uid"], r["event_date"]): r["model_score"] for r in risk if r["model_score"] is not None
        },
        "both": {(r["actor_user_uid"], r["event_date"]): r["risk_score"] for r in risk if r["risk_score"]},
    }
    return Measured(seed, sides, ranks, len(risk), {"generate": made, **found.seconds})


def _outcome(
    seed: int, found: Any, counted: Sequence[date], kinds: Mapping[str, str], raised: Sequence[str]
) -> Organisation:
    """Alerts of `raised`; attacks due are those that any policy at all should report, so that the sides compare."""
    alerts = [row for row in found.alerts if row["policy_id"] in set(raised)]
    return outcome(seed, alerts, found.incidents, humans=found.humans, days=counted, policies=list(kinds))


def _alert_risk(alerts: Sequence[Mapping[str, Any]], raised: set[str], counted: set[date]) -> UserDays:
    """`risk_score` of `mart.user_risk` without the model: each day over which an alert lasts."""
    clear: dict[tuple[str, date], float] = {}
    for row in alerts:
        if row["policy_id"] not in raised or row["is_summary"]:
            continue
        people = {row["actor_user_uid"], *(row["actor_user_uids"] or ())} - {None}
        for day in days_between(row["first_seen"].date(), row["event_date"]):
            for user in people if day in counted else ():
                key = (user, day)
                clear[key] = clear.get(key, 1.0) * (1 - min(row["risk_score"] or 0.0, 99.9) / 100)
    return {key: 1 - chance for key, chance in clear.items()}


def ranking(org: Organisation, risk: UserDays) -> tuple[float, dict[int, float]]:
    """(average precision, recall at each budget as a share of what it can hold) of a user-day ranking."""
    positive = attacked_user_days(org)
    order = sorted(risk, key=lambda key: (-risk[key], key[1], key[0]))
    ranked = [key in positive for key in order]
    held = {}
    for budget in BUDGETS:
        places = max(1, round(budget * org.humans * len(org.days) / 1000))
        held[budget] = sum(ranked[:places]) / max(1, min(places, len(positive)))
    return average_precision(ranked, len(positive)), held


def hard(org: Organisation) -> tuple[int, int]:
    """(found, played) of the hard scenes."""
    due = [a for a in org.attacks if a.incident.scene in HARD]
    return sum(a.is_found for a in due), len(due)


def summarise(results: Sequence[Measured]) -> dict[str, Any]:
    report: dict[str, Any] = {"seeds": [r.seed for r in results]}
    for side in (*SIDES, *LOOSER):
        report[side] = _alerts_of([r.sides[side] for r in results])
    for side in SIDES:
        report[side] |= _ranking_of([(r.sides[side], r.ranks[side]) for r in results])
    report["model_alerts"] = {
        verdict.value: sum(j.verdict is verdict for r in results for j in r.sides["models"].judged)
        for verdict in Verdict
    }
    report["verdicts_by_policy"] = _by_policy(results)
    return report


def _alerts_of(orgs: Sequence[Organisation]) -> dict[str, Any]:
    scenes = {scene: [a for org in orgs for a in org.attacks if a.incident.scene == scene] for scene in HARD}
    return {
        "precision": _median([precision(org) for org in orgs]),
        "recall": _median([recall(org) for org in orgs]),
        "false_alerts": _median([false_alerts(org) for org in orgs]),
        "false_alerts_mean": round(statistics.fmean(false_alerts(org) for org in orgs), 4),
        "hard_found": sum(hard(org)[0] for org in orgs),
        "hard_played": sum(hard(org)[1] for org in orgs),
        "hard_scenes": {scene: [sum(a.is_found for a in played), len(played)] for scene, played in scenes.items()},
    }


def _ranking_of(found: Sequence[tuple[Organisation, UserDays]]) -> dict[str, Any]:
    ranked = [ranking(org, risk) for org, risk in found]
    calibrated = calibration([org for org, _ in found])
    return {
        "average_precision": _median([ap for ap, _ in ranked]),
        "worst_average_precision": min(ap for ap, _ in ranked),
        "recall_at": {budget: _median([held[budget] for _, held in ranked]) for budget in BUDGETS},
        "calibration_error": calibrated[0] if calibrated else None,
        "brier": calibrated[1] if calibrated else None,
    }


def _by_policy(results: Sequence[Measured]) -> dict[str, dict[str, Any]]:
    """For refitting the priors of `pipelines.alerts.risk`: verdicts and mean score by policy."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        for one in result.sides["both"].judged:
            row = found.setdefault(one.sighting.policy_id, {**{v.value: 0 for v in Verdict}, "score": 0.0, "n": 0})
            row[one.verdict.value] += 1
            row["score"] += one.sighting.risk_score
            row["n"] += 1
    return {p: {**row, "score": round(row["score"] / row["n"], 1)} for p, row in sorted(found.items())}


def _median(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return round(statistics.median(known), 4) if known else None


def lines(report: Mapping[str, Any]) -> list[str]:
    head = f"{'':<12}{'precision':>10}{'recall':>8}{'false/1k/day':>14}{'mean':>7}{'hard found':>12}{'AP':>7}{'worst':>7}{'R@1':>6}{'R@5':>6}{'R@20':>6}{'calib.':>8}"
    rows = [head]
    for side in (*SIDES, *LOOSER):
        f = report[side]
        row = f"{side:<12}{_n(f['precision']):>10}{_n(f['recall']):>8}{_n(f['false_alerts']):>14}{_n(f['false_alerts_mean']):>7}{f['hard_found']:>7}/{f['hard_played']:<4}"
        if at := f.get("recall_at"):
            row += (
                f"{_n(f['average_precision']):>7}{_n(f['worst_average_precision']):>7}{_n(at[1]):>6}{_n(at[5]):>6}{_n(at[20]):>6}"
                f"{_n(f['calibration_error']):>8}"
            )
        rows.append(row)
    scenes = report["both"]["hard_scenes"]
    rows.append("hard scenes, rules -> both: " + ", ".join(
        f"{scene} {report['rules']['hard_scenes'][scene][0]} -> {found} of {played}" for scene, (found, played) in scenes.items()
    ))  # fmt: skip
    rows.append(f"alerts of model policies: {report['model_alerts']}")
    return rows


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    options = _options()
    seeds = options.seed or random.SystemRandom().sample(range(10_000, 1_000_000), options.seeds)
    print(f"seeds {' '.join(map(str, seeds))}", flush=True)
    job = partial(measure, users=options.users, days=options.days, before=options.before, scene_rate=options.scene_rate)
    results: list[Measured] = []
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        for done in as_completed([pool.submit(job, seed) for seed in seeds]):
            results.append(done.result())
            spent = results[-1].seconds
            print(
                f"seed {results[-1].seed}: {sum(spent.values()):.0f} s "
                + " ".join(f"{k} {v:.1f}" for k, v in spent.items()),
                flush=True,
            )
            report = summarise(sorted(results, key=lambda r: r.seed))
            if options.json:
                options.json.write_text(json.dumps(report, indent=1, default=str) + "\n", encoding="utf-8")
    first = results[0].sides["both"]
    print(f"\n{len(results)} organisations of {first.humans} people over {len(first.days)} days (medians)")
    print("\n".join(lines(report)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="organisations")
    parser.add_argument("--seed", type=int, nargs="*", help="these seeds instead of drawn ones")
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--days", type=int, default=28, help="days that count")
    parser.add_argument("--before", type=int, default=14, help="days before, from which the first model learns")
    parser.add_argument(
        "--scene-rate", type=float, default=1.0, help="copies of each scenario per 300 users and 30 days"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="processes")
    parser.add_argument("--json", type=Path, help="write all figures there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
