"""Who is in the organisation: one array per attribute, one position per account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.clock import DAY
from pipelines.emulator.organisation.names import CUSTOMERS, DEPARTMENT_INDEX, DEPARTMENTS, FIRST, LAST
from pipelines.emulator.organisation.network import GATEWAYS, Network, home_pools
from pipelines.emulator.organisation.places import BORDERS, BY_NAME, CITIES, OFFICES, nearest
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.streams import Bools, Floats, Ints, Streams, choose

NEVER = np.iinfo(np.int64).max


class Kind(IntEnum):
    EMPLOYEE = 0
    EXTERNAL = 1


class Egress(IntEnum):
    """Where a laptop outside the office leaves to the internet, for those who differ from the home line."""

    LINE = 0
    SECURE_EDGE = 1  # a proxy service whose points of presence change from session to session
    DESKTOP_IN_CLOUD = 2  # a virtual desktop: the browser runs in a cloud region, in the office as well
    PRIVACY_RELAY = 3
    PERSONAL_VPN = 4
    SHARED_DESK = 5  # a shared work place that the location database puts on another continent
    CLIENT_SITE = 6  # a client's network that a list calls an anonymous proxy


@dataclass(frozen=True)
class People:
    """Human accounts. City, department, agent and address columns are positions in their catalogues.

    `start_hour` local hours, `load` a factor around 1, `workdays` users x seven days (Monday first), `joined` and
    `left` epoch seconds (0 and NEVER where outside the period), `home` and `home6` positions in the address pool.
    """

    sys_id: list[str]
    user_name: list[str]
    name: list[str]
    email: list[str]
    title: list[str]
    kind: Ints
    department: Ints
    city: Ints
    home_city: Ints
    egress: Ints
    manager: Ints
    desk: Bools
    admin: Bools
    remote: Bools
    sso: Bools
    tunnel: Bools
    phone: Bools
    traveller: Bools
    dormant: Bools
    workdays: Bools
    start_hour: Floats
    load: Floats
    download_factor: Floats
    laptop: Ints
    handset: Ints
    home: Ints
    home6: Ints
    gateway: Ints
    joined: Ints
    left: Ints
    created: Ints

    def __len__(self) -> int:
        return len(self.sys_id)

    @property
    def employees(self) -> Bools:
        employees: Bools = self.kind == Kind.EMPLOYEE
        return employees


def _names(rng: np.random.Generator, count: int) -> tuple[list[str], list[str]]:
    first = [FIRST[at] for at in rng.integers(0, len(FIRST), count)]
    last = [LAST[at] for at in rng.integers(0, len(LAST), count)]
    seen: dict[str, int] = {}
    user_names = []
    for one, two in zip(first, last, strict=True):
        stem = f"{one}.{two}".lower()
        seen[stem] = seen.get(stem, 0) + 1
        user_names.append(stem if seen[stem] == 1 else f"{stem}{seen[stem]}")
    return [f"{one} {two}" for one, two in zip(first, last, strict=True)], user_names


def _departments(rng: np.random.Generator, population: Population, count: int) -> Ints:
    shares = np.array([share for _, share, _ in DEPARTMENTS])
    shares[DEPARTMENT_INDEX["Service Desk"]] = population.service_desk_share
    return choose(rng, shares, count)


def _managers(department: Ints, external: Bools) -> Ints:
    """The first employee of a department leads it; leaders report to the first of all."""
    manager = np.full(len(department), -1, dtype=np.int64)
    chief = int(np.flatnonzero(~external)[0])
    for unit in range(len(DEPARTMENTS)):
        members = np.flatnonzero((department == unit) & ~external)
        if len(members):
            manager[members] = members[0]
            manager[members[0]] = chief
    manager[chief] = -1
    return manager


def _workdays(rng: np.random.Generator, population: Population, count: int) -> Bools:
    week = np.tile(np.array([True] * 5 + [False] * 2), (count, 1))
    part_time = np.flatnonzero(rng.random(count) < population.part_time_share)
    for position, free in zip(part_time, rng.integers(0, 5, (len(part_time), 2)), strict=True):
        week[position, free] = False
    return week


def _homes(rng: np.random.Generator, network: Network, city: Ints) -> Ints:
    home = np.empty(len(city), dtype=np.int64)
    for position, at in enumerate(city):
        pools = home_pools(CITIES[at])
        span = network.span("home", f"{CITIES[at].name} {pools[int(rng.integers(len(pools)))]}")
        home[position] = span.first + int(rng.integers(span.count))
    return home


def _home_cities(rng: np.random.Generator, population: Population, city: Ints, external: Bools) -> Ints:
    """Some of those who work near a border live on the other side of it."""
    commutes = rng.random(len(city)) < population.border_commuter_share
    home = city.copy()
    for office, abroad in BORDERS:
        home[commutes & (city == BY_NAME[office]) & ~external] = BY_NAME[abroad]
    return home


def _egress(rng: np.random.Generator, population: Population, city: Ints, external: Bools) -> Ints:
    draw = rng.random((2, len(city)))
    shares = (
        population.secure_edge_share,
        population.cloud_desktop_share,
        population.privacy_relay_share,
        population.personal_vpn_share,
    )
    egress = np.searchsorted(np.cumsum(shares), draw[0], side="right") + 1
    egress = np.where(egress > len(shares), Egress.LINE, egress).astype(np.int64)
    shared = (city == BY_NAME["Lyon"]) & (draw[1] < population.shared_desk_share)
    client = (city == BY_NAME["Denver"]) & (draw[1] < population.client_site_share)
    egress = np.where(shared, Egress.SHARED_DESK, np.where(client, Egress.CLIENT_SITE, egress))
    return np.where(external, Egress.LINE, egress).astype(np.int64)


def _gateways(city: Ints) -> Ints:
    """Position in GATEWAYS of the nearest one."""
    return np.array([nearest(place, GATEWAYS) for place in CITIES], dtype=np.int64)[city]


def _turnover(rng: np.random.Generator, share: float, eligible: Ints, first: int, days: int) -> tuple[Ints, Ints]:
    """Who leaves or joins, and the day (epoch seconds, UTC midnight)."""
    count = min(len(eligible), round(share * len(eligible) * days / 30))
    chosen = rng.choice(eligible, size=count, replace=False) if count else np.empty(0, dtype=np.int64)
    return chosen.astype(np.int64), first + DAY * rng.integers(0, max(days, 1), count)


def build_people(
    population: Population, streams: Streams, network: Network, *, users: int, start: int, days: int
) -> People:
    rng = streams.of("people", "who")
    external = np.zeros(users, dtype=bool)
    external[rng.permutation(users)[: round(population.external_share * users)]] = True
    external[:5] = False
    names, user_names = _names(streams.of("people", "names"), users)
    department = _departments(streams.of("people", "departments"), population, users)
    staff = choose(streams.of("people", "cities"), [office.staff for office in OFFICES], users)
    anywhere = streams.of("people", "externals").integers(0, len(OFFICES) + 14, users)
    city = np.where(external, anywhere, staff)
    desk = (department == DEPARTMENT_INDEX["Service Desk"]) & ~external
    it = np.flatnonzero((department == DEPARTMENT_INDEX["IT"]) & ~external)
    admin = np.zeros(users, dtype=bool)
    admin[it[: population.administrators - 1]] = True

    traits = streams.of("people", "traits")
    draw = traits.random((8, users))
    home_city = _home_cities(streams.of("people", "borders"), population, city, external)
    egress = _egress(streams.of("people", "egress"), population, city, external)
    homes = _homes(streams.of("people", "homes"), network, home_city)
    home6 = np.array([network.span("home6", CITIES[at].name).first for at in home_city]) + traits.integers(
        0, 400, users
    )
    sensitive = np.isin(department, [DEPARTMENT_INDEX[name] for name in ("Legal", "Finance", "Human Resources")])
    dormant = (draw[7] < population.dormant_share) & ~external & ~admin & ~desk
    joined = np.zeros(users, dtype=np.int64)
    left = np.full(users, NEVER, dtype=np.int64)
    movable = np.flatnonzero(~external & ~admin & ~desk & ~dormant & (np.arange(users) > 12))
    turnover = streams.of("people", "turnover")
    leavers, when = _turnover(turnover, population.leavers_a_month, movable, start, days)
    left[leavers] = when + 3600 * turnover.integers(12, 18, len(leavers))
    joiners, since = _turnover(turnover, population.joiners_a_month, np.setdiff1d(movable, leavers), start, days)
    joined[joiners] = since + 3600 * 6
    created = np.where(joined > 0, joined - DAY * 3, start - DAY * traits.integers(40, 2000, users))

    return People(
        sys_id=[streams.sys_id("user", name) for name in user_names],
        user_name=user_names,
        name=names,
        email=[
            f"{user}@{CUSTOMERS[at % len(CUSTOMERS)].split()[0].lower()}.example"
            if outside
            else f"{user}@meridian-works.example"
            for at, (user, outside) in enumerate(zip(user_names, external, strict=True))
        ],
        title=[
            "Customer Contact" if outside else DEPARTMENTS[unit][2][at % len(DEPARTMENTS[unit][2])]
            for at, (unit, outside) in enumerate(zip(department, external, strict=True))
        ],
        kind=external.astype(np.int64),
        department=np.where(external, -1, department),
        city=city,
        home_city=home_city,
        egress=egress,
        manager=_managers(department, external),
        desk=desk,
        admin=admin,
        remote=(draw[0] < population.remote_share) | external,
        sso=(draw[1] < population.sso_share) & ~external,
        tunnel=(draw[2] < population.vpn_share) & ~external & (egress == Egress.LINE),
        phone=draw[3] < population.mobile_share,
        traveller=(draw[4] < population.traveller_share) & ~external & ~desk,
        dormant=dormant,
        workdays=_workdays(streams.of("people", "workdays"), population, users),
        start_hour=traits.normal(population.workday_start_hour, population.workday_start_spread / np.sqrt(2), users),
        load=traits.lognormal(0.0, population.user_load_spread, users) * np.where(external, 0.4, 1.0),
        download_factor=traits.lognormal(0.0, 0.6, users) * np.where(sensitive, 2.5, 1.0),
        laptop=choose(traits, devices.DESKTOP_WEIGHTS, users),
        handset=choose(traits, devices.PHONE_WEIGHTS, users) + len(devices.DESKTOP),
        home=homes,
        home6=np.where(draw[5] < population.ipv6_share, home6, -1),
        gateway=_gateways(city),
        joined=joined,
        left=left,
        created=created,
    )
