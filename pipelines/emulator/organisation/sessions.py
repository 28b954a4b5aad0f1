"""Ordinary sessions: when each account signs in, from which address, on which device, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime

import numpy as np
import polars as pl

from pipelines.emulator.organisation.names import DEPARTMENT_INDEX
from pipelines.emulator.organisation.network import CLOUD, GATEWAYS, RELAYS, SECURE_EDGE, Network
from pipelines.emulator.organisation.people import DAY, Egress, People
from pipelines.emulator.organisation.places import CITIES, NEW_OFFICE, OFFICES, utc_offset
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.streams import Bools, Floats, Ints, Streams, sys_ids
from pipelines.emulator.organisation.whereabouts import Whereabouts

OFFICE, HOME, TRIP, PHONE = range(4)
POOL_SIZE = 120  # addresses of a home pool
EXTERNAL_ACTIVE = 0.25


@dataclass(frozen=True)
class Sessions:
    """One position per session, ordered by the day of its local calendar; `start` and `end` epoch seconds UTC, `address` a pool position."""

    day: Ints
    user: Ints
    start: Ints
    end: Ints
    address: Ints
    agent: Ints
    mode: Ints
    sso: Bools
    requests: Ints
    sid: pl.Series

    def __len__(self) -> int:
        return len(self.user)

    def of_user(self, user: int, since: int, until: int) -> Ints:
        """Positions of a user's sessions that begin in [since, until)."""
        return np.flatnonzero((self.user == user) & (self.start >= since) & (self.start < until))


def epoch(day: date) -> int:
    return (datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).days * DAY


def near_quarter_end(day: date) -> bool:
    """The last three days of a quarter and the first two of the next, by calendar."""
    return (day.month in (3, 6, 9, 12) and day.day >= 28) or (day.month in (1, 4, 7, 10) and day.day <= 2)


class _Addresses:
    """Pool positions by role and city, as arrays, so that a whole day is looked up at once."""

    def __init__(self, network: Network) -> None:
        def first(role: str, keys: list[str]) -> Ints:
            return np.array([network.span(role, key).first for key in keys], dtype=np.int64)

        names = [city.name for city in CITIES]
        self.guest = first("guest", names)
        self.carrier = first("mobile", [city.country for city in CITIES])
        self.gateway = first("gateway", list(GATEWAYS))
        self.office = np.full(len(CITIES), -1, dtype=np.int64)
        self.office[: len(OFFICES)] = first("office", [office.name for office in OFFICES])
        self.office[NEW_OFFICE] = network.span("newoffice", "Gdansk").first
        self.edge = first("sase", list(SECURE_EDGE))
        self.cloud = first("cloud", [CLOUD[1 if city.zone.startswith("Europe") else 0].name for city in CITIES])
        self.relay = first("relay", list(RELAYS))
        self.proxy = network.span("proxy", "Stockholm").first
        self.shared_desk = network.span("cowork", "Lyon").first
        self.client_site = network.span("client", "Denver").first
        self.home_starts = np.sort([span.first for (role, _), span in network.spans.items() if role == "home"])

    def leased(self, home: Ints, user: Ints, day: int) -> Ints:
        """A third of the providers hand out a new address every two weeks."""
        start = self.home_starts[np.searchsorted(self.home_starts, home, side="right") - 1]
        lease = np.where(user % 3 == 0, (day + user) // 14, 0)
        return start + (home - start + lease * 37) % POOL_SIZE


def _present(
    rng: np.random.Generator, population: Population, people: People, whereabouts: Whereabouts, day: int
) -> tuple[Bools, Bools]:
    """Who works that day, and whether it is a free day of theirs."""
    at = epoch(whereabouts.days[day])
    workday = people.workdays[:, whereabouts.days[day].weekday()] | whereabouts.away[:, day]
    draw = rng.random(len(people))
    keen = np.where(workday, draw < np.where(people.employees, 1.0, EXTERNAL_ACTIVE), draw < population.weekend_share)
    employed = (people.joined < at + DAY) & (people.left > at) & ~people.dormant
    return keen & employed & ~whereabouts.offline[:, day], ~workday


def _desk_address(
    rng: np.random.Generator, population: Population, people: People, addresses: _Addresses, where: Ints, user: Ints,
    mode: Ints, day: int,
) -> Ints:  # fmt: skip
    """Address of a laptop session: office egress, company gateway, home line, or a guest network."""
    count = len(user)
    far = rng.random(count) < population.foreign_gateway_share
    gateway = np.where(far, rng.integers(0, len(GATEWAYS), count), people.gateway[user])
    tunnel = addresses.gateway[gateway] + rng.integers(0, 2, count)
    line = addresses.leased(people.home[user], user, day)
    line = np.where((people.home6[user] >= 0) & (rng.random(count) < 0.5), people.home6[user], line)
    guest = addresses.guest[where] + rng.integers(0, 12, count)
    office = addresses.office[where] + rng.integers(0, 3, count)
    visiting = (mode == TRIP) & (addresses.office[where] >= 0) & (rng.random(count) < 0.5)
    outside = np.where(people.tunnel[user], tunnel, np.where(mode == TRIP, guest, line))
    usual = np.where((mode == OFFICE) | visiting, office, outside)
    return _detour(rng, people, addresses, user, mode, usual)


def _detour(rng: np.random.Generator, people: People, addresses: _Addresses, user: Ints, mode: Ints, usual: Ints) -> Ints:
    """The same, for those whose traffic leaves somewhere else."""
    count, egress = len(user), people.egress[user]
    edge = addresses.edge[rng.integers(0, len(addresses.edge), count)] + rng.integers(0, 10, count)
    cloud = addresses.cloud[people.city[user]] + user % 8
    relay = addresses.relay[rng.integers(0, len(addresses.relay), count)] + rng.integers(0, 16, count)
    elsewhere = {
        Egress.SECURE_EDGE: (edge, mode != OFFICE),
        Egress.DESKTOP_IN_CLOUD: (cloud, rng.random(count) < 0.6),
        Egress.PRIVACY_RELAY: (relay, (mode == HOME) & (rng.random(count) < 0.7)),
        Egress.PERSONAL_VPN: (np.full(count, addresses.proxy) + user % 20, mode == HOME),
        Egress.SHARED_DESK: (np.full(count, addresses.shared_desk) + user % 2, (mode == HOME) & (rng.random(count) < 0.8)),
        Egress.CLIENT_SITE: (np.full(count, addresses.client_site) + user % 2, (mode == HOME) & (rng.random(count) < 0.8)),
    }
    for kind, (address, applies) in elsewhere.items():
        usual = np.where((egress == kind) & applies, address, usual)
    return usual


def _phone_address(
    rng: np.random.Generator, population: Population, people: People, addresses: _Addresses, where: Ints, user: Ints
) -> Ints:
    home_routed = rng.random(len(user)) < population.roaming_home_share
    settled = where == people.city[user]
    place = np.where(home_routed | settled, people.home_city[user], where)
    return addresses.carrier[place] + rng.integers(0, 24, len(user))


def _starts(
    rng: np.random.Generator, population: Population, people: People, whereabouts: Whereabouts, day: int, free: Bools
) -> tuple[Ints, Floats, Ints]:
    """User, local start hour and slot (0 main, 1 second, 2 evening, 3 phone) of every session of the day."""
    everyone = np.arange(len(people))
    late = whereabouts.late[:, day]
    wobble = rng.normal(0, population.workday_start_spread / np.sqrt(2), len(people))
    morning = np.where(free, 10 + 9 * rng.random(len(people)), np.clip(people.start_hour + wobble, 5.5, 12))
    main = np.where(late, 15.5 + 1.5 * rng.random(len(people)), morning)
    draw = rng.random((3, len(people)))
    second = (draw[0] < population.second_session_share) & ~free & ~late
    evening = (draw[1] < population.evening_session_share) & people.employees & ~late
    phone = (draw[2] < population.mobile_session_share) & people.phone & ~late
    hours = (main, 13 + 3.5 * rng.random(len(people)), 20 + 2 * rng.random(len(people)), 7.5 + 11 * rng.random(len(people)))
    picks = (np.ones(len(people), dtype=bool), second, evening, phone)
    users = np.concatenate([everyone[pick] for pick in picks])
    slots = np.concatenate([np.full(int(pick.sum()), slot) for slot, pick in enumerate(picks)])
    return users, np.concatenate([hour[pick] for hour, pick in zip(hours, picks, strict=True)]), slots


def _request_counts(rng: np.random.Generator, population: Population, people: People, user: Ints, slot: Ints, day: date) -> Ints:
    mean = np.log(population.requests_a_session)
    size = rng.lognormal(mean, population.requests_spread, len(user)) * people.load[user]
    size *= np.array([1.0, 0.8, 0.5, 0.35])[slot]
    if near_quarter_end(day):
        size = np.where(people.department[user] == DEPARTMENT_INDEX["Finance"], size * population.quarter_end_factor, size)
    return np.clip(size, 2, 500).astype(np.int64)


def _sessions_of_day(
    streams: Streams, population: Population, people: People, whereabouts: Whereabouts, addresses: _Addresses, day: int
) -> Sessions:
    today = whereabouts.days[day]
    rng = streams.of("sessions", today.isoformat())
    present, free = _present(rng, population, people, whereabouts, day)
    user, hour, slot = _starts(rng, population, people, whereabouts, day, free)
    place = whereabouts.city[user, day]
    offsets = np.array([utc_offset(city.zone, today) for city in CITIES], dtype=np.int64)
    at_office = ~people.remote & (rng.random(len(people)) < population.office_day_share) & people.employees & ~free
    mode = np.where(at_office[user] & (slot <= 1), OFFICE, HOME)
    mode = np.where(slot == 3, PHONE, np.where(whereabouts.away[user, day], TRIP, mode))
    start = epoch(today) + (hour * 3600).astype(np.int64) - offsets[place] + rng.integers(0, 60, len(user))
    minutes = np.array([110, 90, 30, 10])[slot] * rng.lognormal(0, 0.45, len(user))
    end = start + (np.clip(minutes, 3, 300) * 60).astype(np.int64)
    desk = _desk_address(rng, population, people, addresses, place, user, mode, day)
    phone = _phone_address(rng, population, people, addresses, place, user)
    requests = _request_counts(rng, population, people, user, slot, today)
    sid = sys_ids(rng, len(user))
    # drawn for everybody, then kept for those present: who is present never shifts anybody else's draws
    keep = np.flatnonzero(present[user] & (start >= people.joined[user]) & (start < people.left[user]))
    keep = keep[np.argsort(start[keep], kind="stable")]
    return Sessions(
        np.full(len(keep), day, dtype=np.int64), user[keep], start[keep], end[keep], np.where(slot == 3, phone, desk)[keep],
        np.where(slot == 3, people.handset[user], people.laptop[user])[keep], mode[keep], people.sso[user][keep],
        requests[keep], sid.gather(keep),
    )  # fmt: skip


def _joined(parts: list[Sessions]) -> Sessions:
    columns = {item.name: [getattr(part, item.name) for part in parts] for item in fields(Sessions)}
    sid = pl.concat(columns.pop("sid"))
    return Sessions(sid=sid, **{name: np.concatenate(values) for name, values in columns.items()})


def build_sessions(
    population: Population, streams: Streams, people: People, network: Network, whereabouts: Whereabouts
) -> Sessions:
    addresses = _Addresses(network)
    days = range(len(whereabouts.days))
    return _joined([_sessions_of_day(streams, population, people, whereabouts, addresses, day) for day in days])
