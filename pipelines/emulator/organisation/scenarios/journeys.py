"""Sign-ins from odd places with an innocent reason, beyond the trips of ordinary life."""

from __future__ import annotations

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.network import GATEWAYS
from pipelines.emulator.organisation.places import CITIES
from pipelines.emulator.organisation.scenarios.policy_ids import COUNTRY, INTEGRATION, TRAVEL
from pipelines.emulator.organisation.script import NotEnoughPeopleError, Scene


def _gateways(act: Act) -> None:
    """The tunnel reconnects through one continent after the other."""
    (user,) = act.cast(where=act.company.people.tunnel & act.company.plain, presence="working")
    begin, _ = act.shift(user)
    for nth, name in enumerate((*GATEWAYS, GATEWAYS[0])):
        act.visit(user, begin + 600 + 400 * nth, act.address("gateway", name), pages=4, minutes=5, way="sso")


def _holiday(act: Act) -> None:
    """A look at the mail from the beach, long after the flight."""
    trips = [trip for trip in act.company.whereabouts.trips if trip.reason == "holiday" and trip.first + 3 <= trip.last]
    trips = [trip for trip in trips if trip.first + 2 >= act.company.population.learning_days]
    free = [trip for trip in trips if trip.user not in act.busy]
    if len(free) <= act.copy:
        raise NotEnoughPeopleError(act.scene.name)
    trip = free[act.copy]
    act.day = trip.first + 2
    act.cast_users[trip.user] = None
    at = act.local(trip.user, 16)
    act.visit(trip.user, at, act.address("guest", CITIES[trip.city].name), act.handset(trip.user), pages=5, minutes=8)
    act.visit(
        trip.user,
        at + 86_400,
        act.address("mobile", CITIES[trip.city].country),
        act.handset(trip.user),
        pages=3,
        minutes=4,
    )


def _phone_wakes_up(act: Act) -> None:
    """Landed abroad: the phone still leaves at the home carrier while the laptop is on the hotel's network."""
    (user,) = act.cast(presence="absent")
    home = CITIES[int(act.company.people.city[user])]
    at = act.local(user, 17)
    act.visit(
        user, at, act.address("guest", act.far_from(user, ("Zurich", "Chicago", "Singapore"))), pages=8, minutes=20
    )
    act.visit(user, at + 600, act.address("mobile", home.country), act.handset(user), pages=4, minutes=5)


def _in_flight(act: Act) -> None:
    """In-flight network: databases put it at its ground station."""
    (user,) = act.cast(presence="absent")
    at = act.local(user, 11)
    act.visit(user, at, act.home_address(user), pages=6, minutes=15)
    act.visit(user, at + 3 * 3600, act.address("satellite", "Frankfurt"), pages=6, minutes=40)


def _cloud_moves(act: Act) -> None:
    """The provider moves an integration to another region for a day."""
    account = "svc.monitoring"
    act.account(account, act.company.streams.sys_id("user", account))
    for nth in range(48):
        visit = act.visit(
            account, act.utc(nth / 2) + 40, act.address("cloud", "Singapore", 4), "Go-http-client/1.1", pages=0
        )
        visit.request(act.utc(nth / 2) + 41, "/api/now/table/sys_cluster_state?sysparm_limit=1", "rest", 700)


def _new_laptop(act: Act) -> None:
    """New device, new provider at home, same town."""
    (user,) = act.cast(presence="working")
    _, end = act.shift(user)
    city = CITIES[int(act.company.people.city[user])].name
    act.visit(user, end + 3600, act.address("home", f"{city} Cable 4"), act.foreign_agent(), pages=9)


SCENES = (
    Scene("gateways", "benign", "hard", (), "three company gateways within 20 minutes", _gateways, tempts=(TRAVEL, COUNTRY), last_night=True),
    Scene("holiday", "benign", "hard", (COUNTRY,), "looks at mail on holiday abroad", _holiday, tempts=(TRAVEL,), days=2, any_day=True),
    Scene("phone_wakes_up", "benign", "hard", (COUNTRY,), "phone on home-routed roaming beside a hotel network", _phone_wakes_up, tempts=(TRAVEL,)),
    Scene("in_flight", "benign", "hard", (), "in-flight network, placed at its ground station", _in_flight, tempts=(TRAVEL, COUNTRY)),
    Scene("cloud_moves", "benign", "medium", (), "an integration's cloud region changes for a day", _cloud_moves, tempts=(TRAVEL, INTEGRATION)),
    Scene("new_laptop", "benign", "easy", (), "new device and provider in the same town", _new_laptop, tempts=(TRAVEL, COUNTRY)),
)  # fmt: skip
