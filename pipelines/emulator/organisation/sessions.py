"""Ordinary sessions: when each account signs in, from which address, on which device, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY, epoch
from pipelines.emulator.organisation.names import DEPARTMENT_INDEX
from pipelines.emulator.organisation.network import CLOUD, GATEWAYS, RELAYS, SECURE_EDGE, Network
from pipelines.emulator.organisation.people import Egress, People
from pipelines.emulator.organisation.places import CITIES, NEW_OFFICE, OFFICES, nearest, utc_offset
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

    def taken(self, positions: Ints) -> Sessions:
        columns = {item.name: getattr(self, item.name) for item in fields(self)}
        sid = columns.pop("sid").gather(positions)
        return Sessions(sid=sid, **{name: values[positions] for name, values in columns.items()})


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
        self.relay = first("relay", [RELAYS[nearest(city, RELAYS)] for city in CITIES])
        self.proxy = network.span("proxy", "Stockholm").first
        self.shared_desk = network.span("cowork", "Lyon").first
        self.client_site = network.span("client", "Denver").first
        self.home_starts = np.sort([span.first for (role, _), span in network.spans.items() if role == "home"])

    def leased(self, home: Ints, user: Ints, day: int) -> Ints:
        """A third of the providers hand out a new address every two weeks."""
        start = self.home_starts[np.searchsorted(self.home_starts, home, side="right") - 1]
        lease = np.where(user % 3 == 0, (day + user) // 14, 0)
        moved: Ints = start + (home - start + lease * 37) % POOL_SIZE
        return moved


@dataclass(frozen=True)
class _Day:
    """One local calendar day of everybody; values are drawn for all users and kept for those present, so that who is
    present never shifts anybody else's draws."""

    rng: np.random.Generator
    population: Population
    people: People
    whereabouts: Whereabouts
    addresses: _Addresses
    index: int

    @property
    def date(self) -> date:
        return self.whereabouts.days[self.index]

    def present(self) -> tuple[Bools, Bools]:
        """Who works that day, and whose free day it is."""
        people, at = self.people, epoch(self.date)
        workday = people.workdays[:, self.date.weekday()] | self.whereabouts.away[:, self.index]
        draw = self.rng.random(len(people))
        keen = np.where(
            workday, draw < np.where(people.employees, 1.0, EXTERNAL_ACTIVE), draw < self.population.weekend_share
        )
        employed = (people.joined < at + DAY) & (people.left > at) & ~people.dormant
        return keen & employed & ~self.whereabouts.offline[:, self.index], ~workday

    def starts(self, free: Bools) -> tuple[Ints, Floats, Ints]:
        """User, local start hour and slot (0 main, 1 second, 2 evening, 3 phone) of every session of the day."""
        rng, people, population = self.rng, self.people, self.population
        count, late = len(people), self.whereabouts.late[:, self.index]
        wobble = rng.normal(0, population.workday_start_spread / np.sqrt(2), count)
        morning = np.where(free, 10 + 9 * rng.random(count), np.clip(people.start_hour + wobble, 5.5, 12))
        main = np.where(late, 15.5 + 1.5 * rng.random(count), morning)
        draw = rng.random((3, count))
        picks = (
            np.ones(count, dtype=bool),
            (draw[0] < population.second_session_share) & ~free & ~late,
            (draw[1] < population.evening_session_share) & people.employees & ~late,
            (draw[2] < population.mobile_session_share) & people.phone & ~late,
        )
        hours = (main, 13 + 3.5 * rng.random(count), 20 + 2 * rng.random(count), 7.5 + 11 * rng.random(count))
        users = np.concatenate([np.flatnonzero(pick) for pick in picks])
        slots = np.concatenate([np.full(int(pick.sum()), slot) for slot, pick in enumerate(picks)])
        return users, np.concatenate([hour[pick] for hour, pick in zip(hours, picks, strict=True)]), slots

    def desk_addresses(self, user: Ints, mode: Ints) -> Ints:
        """Address of a laptop session: office egress, company gateway, home line, or a guest network."""
        rng, people, addresses, count = self.rng, self.people, self.addresses, len(user)
        where = self.whereabouts.city[user, self.index]
        far = rng.random(count) < self.population.foreign_gateway_share
        gateway = np.where(far, rng.integers(0, len(GATEWAYS), count), people.gateway[user])
        tunnel = addresses.gateway[gateway] + rng.integers(0, 2, count)
        line = addresses.leased(people.home[user], user, self.index)
        line = np.where((people.home6[user] >= 0) & (rng.random(count) < 0.5), people.home6[user], line)
        guest = addresses.guest[where] + rng.integers(0, 12, count)
        office = addresses.office[where] + rng.integers(0, 3, count)
        visiting = (mode == TRIP) & (addresses.office[where] >= 0) & (rng.random(count) < 0.5)
        outside = np.where(people.tunnel[user], tunnel, np.where(mode == TRIP, guest, line))
        return self._detour(user, mode, np.where((mode == OFFICE) | visiting, office, outside))

    def _detour(self, user: Ints, mode: Ints, usual: Ints) -> Ints:
        """The same, for those whose traffic leaves somewhere else."""
        rng, addresses, count = self.rng, self.addresses, len(user)
        edge = addresses.edge[rng.integers(0, len(addresses.edge), count)] + rng.integers(0, 10, count)
        cloud = addresses.cloud[self.people.city[user]] + user % 8
        relay = addresses.relay[self.people.city[user]] + rng.integers(0, 16, count)
        at_home, often = mode == HOME, rng.random(count) < 0.8
        elsewhere = {
            Egress.SECURE_EDGE: (edge, mode != OFFICE),
            Egress.DESKTOP_IN_CLOUD: (cloud, rng.random(count) < 0.6),
            Egress.PRIVACY_RELAY: (relay, at_home & often),
            Egress.PERSONAL_VPN: (np.full(count, addresses.proxy) + user % 20, at_home),
            Egress.SHARED_DESK: (np.full(count, addresses.shared_desk) + user % 2, at_home & often),
            Egress.CLIENT_SITE: (np.full(count, addresses.client_site) + user % 2, at_home & often),
        }
        for kind, (address, applies) in elsewhere.items():
            usual = np.where((self.people.egress[user] == kind) & applies, address, usual)
        return usual

    def phone_addresses(self, user: Ints) -> Ints:
        """The carrier where the user is, or the home carrier on home-routed roaming."""
        where, count = self.whereabouts.city[user, self.index], len(user)
        home_routed = self.rng.random(count) < self.population.roaming_home_share
        settled = where == self.people.city[user]
        place = np.where(home_routed | settled, self.people.home_city[user], where)
        return self.addresses.carrier[place] + self.rng.integers(0, 24, count)

    def request_counts(self, user: Ints, slot: Ints) -> Ints:
        median = np.log(self.population.requests_a_session)
        size = self.rng.lognormal(median, self.population.requests_spread, len(user)) * self.people.load[user]
        size *= np.array([1.0, 0.8, 0.5, 0.35])[slot]
        if near_quarter_end(self.date):
            finance = self.people.department[user] == DEPARTMENT_INDEX["Finance"]
            size = np.where(finance, size * self.population.quarter_end_factor, size)
        return np.clip(size, 2, 500).astype(np.int64)

    def modes(self, user: Ints, slot: Ints, free: Bools) -> Ints:
        people = self.people
        at_office = self.rng.random(len(people)) < self.population.office_day_share
        at_office &= ~people.remote & people.employees & ~free
        mode = np.where(at_office[user] & (slot <= 1), OFFICE, HOME)
        return np.where(slot == 3, PHONE, np.where(self.whereabouts.away[user, self.index], TRIP, mode)).astype(
            np.int64
        )

    def sessions(self) -> Sessions:
        rng, people = self.rng, self.people
        present, free = self.present()
        user, hour, slot = self.starts(free)
        mode = self.modes(user, slot, free)
        offsets = np.array([utc_offset(city.zone, self.date) for city in CITIES], dtype=np.int64)
        local = (hour * 3600).astype(np.int64) + rng.integers(0, 60, len(user))
        start = epoch(self.date) + local - offsets[self.whereabouts.city[user, self.index]]
        minutes = np.array([170, 150, 35, 10])[slot] * rng.lognormal(0, 0.45, len(user))
        desk, phone = self.desk_addresses(user, mode), self.phone_addresses(user)
        drawn = Sessions(
            day=np.full(len(user), self.index, dtype=np.int64),
            user=user,
            start=start,
            end=start + (np.clip(minutes, 3, 300) * 60).astype(np.int64),
            address=np.where(slot == 3, phone, desk),
            agent=np.where(slot == 3, people.handset[user], people.laptop[user]),
            mode=mode,
            sso=people.sso[user],
            requests=self.request_counts(user, slot),
            sid=sys_ids(rng, len(user)),
        )
        keep = np.flatnonzero(present[user] & (start >= people.joined[user]) & (start < people.left[user]))
        return drawn.taken(keep[np.argsort(start[keep], kind="stable")])


def _joined(parts: list[Sessions]) -> Sessions:
    columns = {item.name: [getattr(part, item.name) for part in parts] for item in fields(Sessions)}
    sid = pl.concat(columns.pop("sid"))
    return Sessions(sid=sid, **{name: np.concatenate(values) for name, values in columns.items()})


def build_sessions(
    population: Population, streams: Streams, people: People, network: Network, whereabouts: Whereabouts
) -> Sessions:
    """Every day from its own stream."""
    addresses = _Addresses(network)
    days = (
        _Day(streams.of("sessions", today.isoformat()), population, people, whereabouts, addresses, index)
        for index, today in enumerate(whereabouts.days)
    )
    return _joined([day.sessions() for day in days])
