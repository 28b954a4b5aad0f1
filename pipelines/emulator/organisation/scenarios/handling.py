"""An account that several people use, and one person who works on many screens."""

from __future__ import annotations

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.network import GATEWAYS
from pipelines.emulator.organisation.places import CITIES
from pipelines.emulator.organisation.scenarios.policy_ids import CARELESS, TRAVEL, UNLIKE
from pipelines.emulator.organisation.script import Scene

HOURS = 4.0


def _work(act: Act, user: int, at: int, address: str, agent: str) -> None:
    """A sitting of `HOURS` with a page every few minutes."""
    act.visit(user, at, address, agent, pages=70, minutes=HOURS * 60)


def _shared_account(act: Act) -> None:
    """Two colleagues work under a third one's name, each from the own line and machine, while the owner works as well."""
    people = act.company.people
    (owner,) = act.cast(presence="working")
    near = act.company.plain & (people.city == people.city[owner])
    helpers = act.cast(2, where=near)
    for day in range(act.scene.days):
        at = act.local(owner, 12.5, day)
        _work(act, owner, at, act.office_address(owner), act.laptop(owner))
        for nth, helper in enumerate(helpers):
            _work(act, owner, at + 400 * (nth + 1), act.home_address(helper), act.laptop(helper))


def _many_screens(act: Act) -> None:
    """Laptop at home, a virtual desktop, the company tunnel and the phone, all at once."""
    (user,) = act.cast(presence="working")
    city, at = CITIES[int(act.company.people.city[user])], act.local(user, 12.5)
    _work(act, user, at, act.home_address(user), act.laptop(user))
    _work(act, user, at + 300, act.address("cloud", "Dublin"), act.laptop(user))
    _work(
        act, user, at + 600, act.address("gateway", GATEWAYS[int(act.company.people.gateway[user])]), act.laptop(user)
    )
    _work(act, user, at + 900, act.address("mobile", city.country), act.handset(user))


def _left_open(act: Act) -> None:
    """The browser in the office goes on asking for news while its owner works at home, then in a cafe."""
    (user,) = act.cast(presence="working")
    at = act.local(user, 11.5)
    office = act.visit(user, at, act.office_address(user), pages=3)
    for nth in range(60):
        office.request(at + 900 + 240 * nth, "/amb/connect", "amb", 400)
    act.visit(user, at + 3600, act.home_address(user), pages=25, minutes=80)
    city = CITIES[int(act.company.people.city[user])].name
    act.visit(user, at + 9000, act.address("guest", city), pages=20, minutes=60)


SCENES = (
    Scene("shared_account", "attack", "medium", (CARELESS, UNLIKE), "three people under one name, each at an own machine, for four hours on two days", _shared_account, days=2),
    Scene("many_screens", "benign", "hard", (), "home, tunnel, virtual desktop and phone of one person at once", _many_screens, tempts=(CARELESS, TRAVEL)),
    Scene("left_open", "benign", "medium", (), "the office's browser goes on polling while its owner works elsewhere", _left_open, tempts=(CARELESS,)),
)  # fmt: skip
