"""Figures of many organisations as a table for people and as JSON for comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.detection.judge import AFTER, BEFORE, Incident, Judged, Verdict
from bench.detection.metrics import (
    ALL,
    BUDGETS,
    Organisation,
    calibration,
    count,
    false_alerts,
    interval,
    median,
    own_recall,
    precision,
    quantile,
    ranking,
    recall,
    seconds_to_detect,
    strict_precision,
    worst,
)
from bench.detection.targets import TARGETS, WORST_MAY_BE_LOWER, Target

DIFFICULTIES = ("easy", "medium", "hard", "expert")


def figures(organisations: Sequence[Organisation], policies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Policy (and `all`) -> its figures."""
    return {policy: _of_policy(organisations, policy) for policy in (*policies, ALL)}


def _of_policy(organisations: Sequence[Organisation], policy: str) -> dict[str, Any]:
    own = [org.of_policy(policy) for org in organisations]
    seconds = [s for org in own for s in seconds_to_detect(org)]
    result: dict[str, Any] = {
        "alerts": {verdict.value: sum(count(org, verdict) for org in own) for verdict in Verdict},
        "attacks": sum(len(org.attacks) for org in own),
        "precision": _spread(own, precision),
        "strict_precision": _spread(own, strict_precision),
        "recall": _spread(own, recall),
        "own_recall": median(organisations, lambda org: own_recall(org, policy)) if policy != ALL else None,
        "false_alerts": {"median": median(own, false_alerts), "worst": worst(own, false_alerts, low_is_bad=False)},
        "seconds_to_detect": {"median": quantile(seconds, 0.5), "p90": quantile(seconds, 0.9)},
        "recall_by_difficulty": {d: _recall_at(own, d) for d in DIFFICULTIES},
    }
    target = TARGETS.get(policy)
    result["misses_target"] = _misses(result, target) if target else []
    return result


def _spread(organisations: Sequence[Organisation], measure: Any) -> dict[str, Any]:
    return {
        "median": median(organisations, measure),
        "worst": worst(organisations, measure),
        "interval": interval(organisations, measure),
    }


def _recall_at(organisations: Sequence[Organisation], difficulty: str) -> dict[str, Any]:
    attacks = [a for org in organisations for a in org.attacks if a.incident.difficulty == difficulty]
    return {"found": sum(a.is_found for a in attacks), "of": len(attacks)}


def _misses(found: Mapping[str, Any], target: Target) -> list[str]:
    missed = []
    for name, floor in (("precision", target.precision), ("recall", target.recall)):
        middle, low = found[name]["median"], found[name]["worst"]
        if middle is not None and middle < floor:
            missed.append(f"{name} {middle:.2f} < {floor:.2f}")
        if low is not None and low < floor - WORST_MAY_BE_LOWER:
            missed.append(f"worst {name} {low:.2f} < {floor - WORST_MAY_BE_LOWER:.2f}")
    rate = found["false_alerts"]["median"] or 0.0
    if rate > target.false_alerts:
        missed.append(f"{rate:.2f} false alerts > {target.false_alerts:.2f}")
    return missed


def ranks(organisations: Sequence[Organisation]) -> dict[str, Any]:
    """Ranking of user-days and calibration of the score."""
    ranked = [r for r in map(ranking, organisations) if r is not None]
    middle = sorted(r[0] for r in ranked)
    calibrated = calibration(organisations)
    return {
        "average_precision": quantile(middle, 0.5),
        "recall_at": {b: quantile([r[1][b] for r in ranked], 0.5) for b in BUDGETS},
        "calibration_error": calibrated[0] if calibrated else None,
        "brier": calibrated[1] if calibrated else None,
    }


def missed_scenes(organisations: Sequence[Organisation]) -> list[tuple[str, int, int]]:
    """(scene, missed, played) of attacks, most missed first."""
    played = Counter(a.incident.scene for org in organisations for a in org.attacks)
    missed = Counter(a.incident.scene for org in organisations for a in org.attacks if not a.is_found)
    return [(scene, missed[scene], played[scene]) for scene, _ in missed.most_common()]


def false_scenes(organisations: Sequence[tuple[Organisation, Sequence[Incident]]]) -> list[tuple[str, str, int]]:
    """(policy, benign scene going on for that user, count) of false alerts; `ordinary life` where nothing was."""
    found: Counter[tuple[str, str]] = Counter()
    for org, incidents in organisations:
        for one in org.judged:
            if one.verdict is Verdict.FALSE:
                found[one.sighting.policy_id, _going_on(one, incidents)] += 1
    return [(policy, scene, size) for (policy, scene), size in found.most_common()]


def _going_on(one: Judged, incidents: Sequence[Incident]) -> str:
    seen = one.sighting
    near = {
        i.scene
        for i in incidents
        if not i.is_attack
        and i.users & seen.users
        and seen.first_seen <= i.end + AFTER
        and seen.last_seen >= i.start - BEFORE
    }
    return "+".join(sorted(near)) or "ordinary life"


def table(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines for a terminal, one per policy."""
    head = f"{'policy':<30} {'prec':>5} {'strict':>6} {'recall':>6} {'own':>5} {'FP/1k/d':>8} {'worst p/r':>11} {'TP':>5} {'FP':>5} {'PT':>4} {'N':>4}  misses"
    lines = [head]
    for policy, f in found.items():
        verdicts = f["alerts"]
        lines.append(
            f"{policy:<30} {_n(f['precision']['median'])} {_n(f['strict_precision']['median']):>6} {_n(f['recall']['median']):>6} "
            f"{_n(f['own_recall'])} {_n(f['false_alerts']['median'], 3):>8} "
            f"{_n(f['precision']['worst'])}/{_n(f['recall']['worst'])} {verdicts['true']:>5} {verdicts['false']:>5} "
            f"{verdicts['policy_true']:>4} {verdicts['neutral']:>4}  {'; '.join(f['misses_target'])}"
        )
    return lines


def _n(value: float | None, digits: int = 2) -> str:
    return f"{'-':>5}" if value is None else f"{value:>5.{digits}f}"
