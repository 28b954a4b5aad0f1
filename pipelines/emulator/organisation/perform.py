"""Plays the scenarios: how often, on which days, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.people import NEVER
from pipelines.emulator.organisation.script import NotEnoughPeopleError, Scene, Script


def perform(company: Company, script: Script, scenes: Iterable[Scene]) -> None:
    """Plays every scene as often as the population asks for, on days drawn from the scene's own stream."""
    window = min(30, max(0, company.days - company.population.learning_days))
    copies = max(1, round(company.population.scene_rate * len(company.people) / 300 * window / 30))
    for scene in scenes:
        for copy in range(copies):
            rng = company.streams.of("scene", scene.name, copy)
            day = _day(company, scene, rng, copy)
            if day is not None:
                _play(Act(company, script, scene, rng, day, copy))


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


def _play(act: Act) -> None:
    """A scene casts before it writes, so one that finds too few people leaves nothing behind."""
    try:
        act.scene.play(act)
    except NotEnoughPeopleError:
        return
    if act.first == NEVER:
        return
    for user in act.cast_users:
        act.script.busy[user] += [act.day, act.day + act.scene.days - 1]
    act.script.incidents.append(act.truth())
