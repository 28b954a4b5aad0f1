"""From verdicts of one organisation to figures, and from many organisations to medians with intervals."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from bench.detection.judge import Attack, Incident, Judged, Verdict, attacks, judge, sightings

ALL = "all"
BUDGETS = (1, 5, 20)  # user-days a person looks at, per 1,000 users and day
BINS = 10


@dataclass(frozen=True)
class Organisation:
    """The outcome of one seeded organisation over its counted days (after the warm-up)."""

    seed: int
    humans: int
    days: tuple[date, ...]
    judged: tuple[Judged, ...]
    attacks: tuple[Attack, ...]

    def of_policy(self, policy: str) -> Organisation:
        """Only what concerns one policy; attacks are those that name it first."""
        if policy == ALL:
            return self
        return Organisation(
            self.seed,
            self.humans,
            self.days,
            tuple(j for j in self.judged if j.sighting.policy_id == policy),
            tuple(a for a in self.attacks if a.incident.policies[:1] == (policy,)),
        )

    def naming(self, policies: Sequence[str]) -> Organisation:
        """Only the attacks that name one of these policies first."""
        return replace(self, attacks=tuple(a for a in self.attacks if a.incident.policies[0] in policies))


def outcome(
    seed: int,
    alerts: Iterable[Mapping[str, object]],
    incidents: Sequence[Incident],
    *,
    humans: int,
    days: Sequence[date],
    policies: Sequence[str],
) -> Organisation:
    """Judge the alerts of `policies` on the counted `days`; attacks count where one of the policies should report them."""
    counted = set(days)
    seen = [s for s in sightings(alerts) if s.day in counted and s.policy_id in policies]
    judged = judge(seen, incidents)
    due = [i for i in incidents if i.start.date() in counted and set(i.policies) & set(policies)]
    return Organisation(seed, humans, tuple(days), tuple(judged), tuple(attacks(judged, due)))


def count(org: Organisation, verdict: Verdict) -> int:
    return sum(j.verdict is verdict for j in org.judged)


def precision(org: Organisation) -> float | None:
    true, false = count(org, Verdict.TRUE), count(org, Verdict.FALSE)
    return true / (true + false) if true + false else None


def strict_precision(org: Organisation) -> float | None:
    """Policy-true alerts count as false."""
    true = count(org, Verdict.TRUE)
    false = count(org, Verdict.FALSE) + count(org, Verdict.POLICY_TRUE)
    return true / (true + false) if true + false else None


def recall(org: Organisation) -> float | None:
    """Attacks found by any policy that is right to report them."""
    return sum(a.is_found for a in org.attacks) / len(org.attacks) if org.attacks else None


def own_recall(org: Organisation, policy: str) -> float | None:
    """Of the attacks that name the policy at all, those that it found itself."""
    named = [a for a in org.attacks if policy in a.incident.policies]
    return sum(policy in a.found_by for a in named) / len(named) if named else None


def false_alerts(org: Organisation) -> float:
    """False alerts per 1,000 human users and day."""
    return count(org, Verdict.FALSE) * 1000 / (org.humans * len(org.days)) if org.humans and org.days else 0.0


def seconds_to_detect(org: Organisation) -> list[float]:
    return sorted(a.seconds for a in org.attacks if a.seconds is not None)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank; None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def calibration(organisations: Iterable[Organisation]) -> tuple[float, float] | None:
    """(expected calibration error over ten equal-count bins, Brier score) of risk_score / 100 against true or false."""
    pairs = sorted(
        (j.sighting.risk_score / 100, float(j.verdict is Verdict.TRUE))
        for org in organisations
        for j in org.judged
        if j.verdict in (Verdict.TRUE, Verdict.FALSE)
    )
    if not pairs:
        return None
    size = len(pairs)
    bins = [pairs[size * i // BINS : size * (i + 1) // BINS] for i in range(BINS)]
    error = sum(abs(sum(p for p, _ in b) - sum(t for _, t in b)) for b in bins) / size
    return error, sum((p - t) ** 2 for p, t in pairs) / size


def user_day_risk(org: Organisation) -> dict[tuple[str, date], float]:
    """Chance that at least one alert of the user and day is true, from the alerts' own scores."""
    clear: dict[tuple[str, date], float] = {}
    for one in org.judged:
        for user in one.sighting.people:
            key = (user, one.sighting.day)
            clear[key] = clear.get(key, 1.0) * (1 - min(one.sighting.risk_score, 99.9) / 100)
    return {key: 1 - chance for key, chance in clear.items()}


def attacked_user_days(org: Organisation) -> set[tuple[str, date]]:
    counted = set(org.days)
    return {
        (user, day)
        for attack in org.attacks
        for user in attack.incident.people
        for day in counted
        if attack.incident.start.date() <= day <= attack.incident.end.date()
    }


def average_precision(ranked: Sequence[bool], positives: int) -> float:
    """Of a ranking, best first; positives that are not ranked count as never found."""
    hits, total = 0, 0.0
    for place, is_hit in enumerate(ranked, start=1):
        if is_hit:
            hits += 1
            total += hits / place
    return total / positives if positives else 0.0


def ranking(org: Organisation) -> tuple[float, dict[int, float]] | None:
    """(average precision, recall at each budget as a share of what the budget can hold) of the user-day risk."""
    risk = user_day_risk(org)
    positive = attacked_user_days(org)
    if not positive:
        return None
    order = sorted(risk, key=lambda key: (-risk[key], key[1], key[0]))
    ranked = [key in positive for key in order]
    held = {}
    for budget in BUDGETS:
        places = max(1, round(budget * org.humans * len(org.days) / 1000))
        held[budget] = sum(ranked[:places]) / min(places, len(positive))
    return average_precision(ranked, len(positive)), held


def median(organisations: Sequence[Organisation], measure: Callable[[Organisation], float | None]) -> float | None:
    values = [v for v in map(measure, organisations) if v is not None]
    return statistics.median(values) if values else None


def worst(
    organisations: Sequence[Organisation], measure: Callable[[Organisation], float | None], *, low_is_bad: bool = True
) -> float | None:
    values = [v for v in map(measure, organisations) if v is not None]
    return (min if low_is_bad else max)(values) if values else None


def interval(
    organisations: Sequence[Organisation],
    measure: Callable[[Organisation], float | None],
    *,
    rounds: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Percentile interval of the median, by resampling whole organisations."""
    values = [v for v in map(measure, organisations) if v is not None]
    if not values:
        return None
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(rounds))
    tail = (1 - level) / 2
    return medians[int(tail * rounds)], medians[min(rounds - 1, int((1 - tail) * rounds))]


def counted_days(start: datetime, end: datetime, warm_up: int) -> list[date]:
    """UTC days of [start, end) after `warm_up` days."""
    first = start.date().toordinal() + warm_up
    return [date.fromordinal(day) for day in range(first, end.date().toordinal())]
