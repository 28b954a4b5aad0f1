"""Where each employee is on each day: trips, days off, travel days too long to work on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pipelines.emulator.organisation.people import NEVER, People
from pipelines.emulator.organisation.places import BY_NAME, CITIES, DESTINATIONS, NEW_OFFICE, OFFICES, kilometres
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.streams import Bools, Ints, Streams

HOLIDAYS = tuple(
    BY_NAME[name] for name in ("Cape Town", "Lisbon", "Mexico City", "Dubai", "Casablanca", "Lima", "Sydney")
)
LONG_HAUL_KM = 5_000.0  # above this a day passes without work, so that every trip can be flown


@dataclass(frozen=True)
class Trip:
    """Whole days away, `first` and `last` being positions in the period; `reason` business, conference, posting, holiday."""

    user: int
    city: int
    first: int
    last: int
    reason: str = "business"


@dataclass(frozen=True)
class Whereabouts:
    """Users x days. `late` marks days that begin in the afternoon after a short flight."""

    days: tuple[date, ...]
    city: Ints
    away: Bools
    offline: Bools
    late: Bools
    trips: tuple[Trip, ...]

    def settled(self, user: int, day: int, margin: int = 3) -> bool:
        """At home, without a trip within `margin` days."""
        return not self.away[user, max(0, day - margin) : day + margin + 1].any()


def _plan_trips(rng: np.random.Generator, population: Population, people: People, days: tuple[date, ...]) -> list[Trip]:
    targets = np.arange(len(OFFICES) + len(DESTINATIONS))
    trips = []
    for user in np.flatnonzero(people.traveller):
        free_from = 0
        for day, chance, length, target in zip(
            range(len(days)),
            rng.random(len(days)),
            rng.integers(2, 6, len(days)),
            rng.choice(targets, len(days)),
            strict=True,
        ):
            starts = chance < population.trips_a_day and people.workdays[user, days[day].weekday()]
            if starts and day >= free_from and target != people.city[user]:
                trips.append(Trip(int(user), int(target), day, min(day + int(length) - 1, len(days) - 1)))
                free_from = day + int(length) + 2
    return trips


def _together(
    rng: np.random.Generator, people: People, candidates: Ints, size: int, stay: tuple[int, int, int, str]
) -> list[Trip]:
    """Several colleagues at the same place for the same days; `stay` is city, first day, last day and reason."""
    chosen = rng.choice(candidates, size=min(size, len(candidates)), replace=False)
    return [Trip(int(user), *stay) for user in chosen if people.city[user] != stay[0]]


def _special_trips(
    rng: np.random.Generator, population: Population, people: People, days: tuple[date, ...], taken: set[int]
) -> list[Trip]:
    """A conference, the opening of an office, long holidays; nobody takes part in two of them or travels besides."""
    trips: list[Trip] = []

    def free() -> Ints:
        busy = taken | {trip.user for trip in trips}
        plain = people.employees & ~people.desk & ~people.admin & ~people.dormant & (people.egress == 0)
        plain &= (people.joined == 0) & (people.left == NEVER)
        return np.array([at for at in np.flatnonzero(plain) if at not in busy], dtype=np.int64)

    tuesdays = [at for at, day in enumerate(days) if day.weekday() == 1 and 14 <= at < len(days) - 4]
    if tuesdays:
        first = int(rng.choice(tuesdays))
        trips += _together(
            rng, people, free(), population.conference_size, (BY_NAME["Lisbon"], first, first + 2, "conference")
        )
    mondays = [at for at, day in enumerate(days) if day.weekday() == 0 and 14 <= at < len(days) - 5]
    if mondays:
        first = int(rng.choice(mondays))
        near = np.array([at for at in free() if CITIES[people.city[at]].zone.startswith("Europe")], dtype=np.int64)
        trips += _together(rng, people, near, population.new_office_size, (NEW_OFFICE, first, len(days) - 1, "posting"))
    for user in rng.permutation(free())[: round(population.holiday_share * len(people) * len(days) / 30)]:
        first, length, city = int(rng.integers(0, len(days))), int(rng.integers(7, 15)), int(rng.choice(HOLIDAYS))
        if people.city[user] != city:
            trips.append(Trip(int(user), city, first, min(first + length - 1, len(days) - 1), "holiday"))
    return trips


def _travel(offline: Bools, late: Bools, trip: Trip, home: int) -> None:
    far = kilometres(CITIES[home], CITIES[trip.city]) > LONG_HAUL_KM
    for day in (trip.first, trip.last + 1):
        if day < offline.shape[1]:
            (offline if far else late)[trip.user, day] = True


def build_whereabouts(population: Population, streams: Streams, people: People, start: date, days: int) -> Whereabouts:
    calendar = tuple(start + timedelta(days=at) for at in range(days))
    shape = (len(people), days)
    city = np.repeat(people.city[:, None], days, axis=1)
    away, late = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    offline = population.absence_share > streams.of("whereabouts", "absence").random((days, len(people))).T
    trips = _plan_trips(streams.of("whereabouts", "trips"), population, people, calendar)
    busy = {trip.user for trip in trips}
    trips += _special_trips(streams.of("whereabouts", "special"), population, people, calendar, busy)
    for trip in trips:
        span = slice(trip.first, trip.last + 1)
        city[trip.user, span] = trip.city
        away[trip.user, span] = True
        offline[trip.user, span] = trip.reason == "holiday"
        _travel(offline, late, trip, int(people.city[trip.user]))
    return Whereabouts(calendar, city, away, offline, late, tuple(trips))
