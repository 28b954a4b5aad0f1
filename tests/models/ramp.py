"""A year of an organisation's profile in which one person takes 5 % more each week: the formulas of `state__user_profile` and
`feat__user_day_profile` over made counts, for the distances that `user_day` looks at. Days are working days."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from models.registry import model
from pipelines.features.user_day_profile import DAYS_TO_TRUST, FARTHEST
from pipelines.features.user_profile import ANCHOR_DAYS, LEARNING_DAYS, LEAST_SPREAD, MEMORY_DAYS, STEP

PEOPLE = 60
START = np.datetime64("2026-01-05")
#: Measure -> count on an ordinary day; bytes in units of 64 KiB, files of one unit.
USUAL = {"files": 10.0, "bytes_out": 10.0, "exports": 0.3, "records": 25.0, "tables": 6.0, "api_requests": 0.2}
RARE = {"rare_hour_activities": 0.3, "rare_table_activities": 0.5, "new_tables": 0.1, "peer_new_tables": 0.02}


def taken(week: int) -> float:
    """What the first person takes on a day of this week."""
    return float(10.0 * 1.05**week)


@dataclass
class _Profile:
    """Carried from day to day: people x measures."""

    center: np.ndarray = field(default_factory=lambda: np.zeros((PEOPLE, len(USUAL))))
    spread: np.ndarray = field(default_factory=lambda: np.zeros((PEOPLE, len(USUAL))))
    anchor: np.ndarray = field(default_factory=lambda: np.zeros((PEOPLE, len(USUAL))))

    def distances(self, size: np.ndarray, days: int) -> dict[str, np.ndarray]:
        """Of today's sizes from what was usual up to yesterday."""
        trust = days / (days + DAYS_TO_TRUST)
        peers, within, between = self.center.mean(0), self.spread.mean(0), self.center.std(0)
        usual, spread = trust * self.center + (1 - trust) * peers, trust * self.spread + (1 - trust) * within
        return {
            "own": _distance(size - usual, spread) * (days >= LEARNING_DAYS),
            "peers": _distance(size - peers, np.broadcast_to(within + between, size.shape)) * (days > 0),
            "year": _distance(size - self.anchor, spread) * (days >= MEMORY_DAYS),
        }

    def learn(self, size: np.ndarray, days: int) -> None:
        """`days` counts today."""
        reach = np.inf if days <= LEARNING_DAYS else STEP * np.maximum(self.spread, LEAST_SPREAD)
        moves, above = (np.clip(size - at, -reach, reach) for at in (self.center, self.anchor))
        strays = np.abs(moves) - self.spread if days > 1 else 0.0
        self.center = self.center + moves / min(days, MEMORY_DAYS)
        self.spread = self.spread + strays / min(days, MEMORY_DAYS)
        self.anchor = self.anchor + above / min(days, ANCHOR_DAYS)


def _distance(differs: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.clip(differs / np.maximum(spread, LEAST_SPREAD), -FARTHEST, FARTHEST).round(4)


def profiles(weeks: int, seed: int) -> pa.Table:
    """The columns of `user_day` for every person and working day; `u000` ramps up."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(4, 0.25, (PEOPLE, len(USUAL))) * np.array(list(USUAL.values()))
    profile, told = _Profile(), []
    for day in range(5 * weeks):
        busy = rate * rng.gamma(3, 1 / 3, (PEOPLE, 1))
        busy[0, 0] = taken(day // 5) * rng.gamma(8, 1 / 8)
        count = rng.poisson(busy).astype(float)
        count[:, 1] = count[:, 0] * rng.lognormal(0, 0.7, PEOPLE)
        told.append(profile.distances(np.log1p(count), day))
        profile.learn(np.log1p(count), day + 1)
    rows = 5 * weeks * PEOPLE
    dates = START + np.repeat([day // 5 * 7 + day % 5 for day in range(5 * weeks)], PEOPLE)
    columns = {name: rng.poisson(often, rows).astype(float) for name, often in RARE.items()}
    for beside in ("own", "peers", "year"):
        stacked = np.concatenate([distances[beside] for distances in told])
        columns |= {f"{measure}_over_{beside}": stacked[:, i] for i, measure in enumerate(USUAL)}
    who = pa.array([f"u{person:03d}" for person in range(PEOPLE)] * (5 * weeks))
    features = {name: pa.array(columns[name]) for name in model("user_day").features}
    return pa.table({"event_date": pa.array(dates), "user_uid": who, "department": pa.array(["d"] * rows), **features})
