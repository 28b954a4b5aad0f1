"""Plays the scenarios: how often, on which days, and what is kept of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import product

import numpy as np

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.clock import DAY
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.people import NEVER
from pipelines.emulator.organisation.script import NotEnoughPeopleError, Scene


def perform(company: Company, scenes: Iterable[Scene]) -> list[Act]:
    """Plays every scene as often as the population asks for, on days drawn from the scene's own stream.

    A scene added at the end changes nothing about those before it.
    """
    window = min(30, max(0, company.days - company.population.learning_days))
    copies = max(1, round(company.population.scene_rate * len(company.people) / 300 * window / 30))
    busy: defaultdict[int, list[int]] = defaultdict(list)
    acts = []
    for scene, copy in product(scenes, range(copies)):
        rng = company.streams.of("scene", scene.name, copy)
        day = _day(company, scene, rng, copy)
        if day is None or not _played(act := Act(company, scene, rng, day, copy, busy)):
            continue
        acts.append(act)
        for user in act.cast_users:
            busy[user] += [act.day, act.day + scene.days - 1]
        for user, since, until in act.script.departures:
            busy[user] += _days_away(company, since, until)
    return acts


def _days_away(company: Company, since: int, until: int) -> range:
    """Positions of the days on which somebody is gone: nobody plays again in between."""
    return range((since - company.start) // DAY, min((until - company.start) // DAY, company.days) + 1)


def _day(company: Company, scene: Scene, rng: np.random.Generator, copy: int) -> int | None:
    """A weekday after the learning period, unless the scene takes any day; the first copy may ask for the last night.

    Others keep a day's distance from the end, since a western evening reaches into the next UTC day.
    """
    last = company.days - scene.days
    eligible = [
        day
        for day in range(company.population.learning_days, last + 1)
        if scene.any_day or company.whereabouts.days[day].weekday() < 5
    ]
    if not eligible:
        return None
    if scene.last_night and copy == 0:
        return eligible[-1]
    inner = [day for day in eligible if day < last] or eligible
    return inner[int(rng.integers(len(inner)))]


def _played(act: Act) -> bool:
    """Whether it took place: not if it found too few people, or nothing of it fell into the period."""
    try:
        act.scene.play(act)
    except NotEnoughPeopleError:
        return False
    return act.first != NEVER
