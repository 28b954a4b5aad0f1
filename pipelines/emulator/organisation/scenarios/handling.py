"""Accounts handled carelessly: used by several people, or with a password that is long to be changed; and who only looks so."""

from __future__ import annotations

from pipelines.emulator.organisation.act import Act, Way
from pipelines.emulator.organisation.clock import moment
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


def _reset(act: Act, user: int, time: int, *, due: bool, by: str) -> None:
    """Says in the account that its password is to be changed, or has been."""
    key, value = act.company.people.sys_id[user], str(due).lower()
    act.write(
        "sys_audit", time, sys_created_by=by, tablename="sys_user", fieldname="password_needs_reset", documentkey=key,
        oldvalue=str(not due).lower(), newvalue=value, user=by, reason="",
    )  # fmt: skip
    stamp = {"sys_updated_on": moment(time), "sys_updated_by": by}
    act.change(time, "sys_user", key, {"password_needs_reset": value, **stamp})


def _work_on(act: Act, user: int, way: Way) -> None:
    """Signs in on each weekday that follows."""
    for day in range(1, act.scene.days):
        if act.company.whereabouts.days[min(act.day + day, act.company.days - 1)].weekday() < 5:
            act.visit(user, act.local(user, 9.5, day), act.home_address(user), pages=6, way=way)


def _reset_put_off(act: Act) -> None:
    (user,) = act.cast(where=act.at_home() & ~act.company.people.sso, presence="working")
    _reset(act, user, act.local(user, 15), due=True, by="admin")
    _work_on(act, user, "password")
    _reset(act, user, act.local(user, 17, act.scene.days - 1), due=False, by=act.name_of(user))


def _reset_done(act: Act) -> None:
    (user,) = act.cast(where=act.at_home() & ~act.company.people.sso, presence="working")
    _reset(act, user, act.local(user, 15), due=True, by="admin")
    _reset(act, user, act.local(user, 9, 1), due=False, by=act.name_of(user))
    _work_on(act, user, "password")


def _reset_elsewhere(act: Act) -> None:
    """The directory keeps the password, so nobody ever asks for the change that the account speaks of."""
    (user,) = act.cast(where=act.at_home() & act.company.people.sso, presence="working")
    _reset(act, user, act.local(user, 15), due=True, by="admin")
    _work_on(act, user, "sso")


SCENES = (
    Scene("shared_account", "attack", "medium", (CARELESS, UNLIKE), "three people under one name, each at an own machine, for four hours on two days", _shared_account, days=2),
    Scene("many_screens", "benign", "hard", (), "home, tunnel, virtual desktop and phone of one person at once", _many_screens, tempts=(CARELESS, TRAVEL)),
    Scene("left_open", "benign", "medium", (), "the office's browser goes on polling while its owner works elsewhere", _left_open, tempts=(CARELESS,)),
    Scene("reset_put_off", "attack", "medium", (CARELESS,), "signs in for a week with a password that is to be changed", _reset_put_off, days=8),
    Scene("reset_done", "benign", "easy", (), "changes the password the next morning", _reset_done, tempts=(CARELESS,), days=8),
    Scene("reset_elsewhere", "benign", "medium", (), "a change is due that single sign-on never asks for", _reset_elsewhere, tempts=(CARELESS,), days=8),
)  # fmt: skip
