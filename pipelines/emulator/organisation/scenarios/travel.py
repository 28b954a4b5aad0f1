"""Stolen accounts used from too far away."""

from __future__ import annotations

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.network import HOSTING
from pipelines.emulator.organisation.places import ELSEWHERE, OFFICES
from pipelines.emulator.organisation.scenarios.policy_ids import COUNTRY, TRAVEL
from pipelines.emulator.organisation.script import Scene

FAR = tuple(city.name for city in ELSEWHERE)


def _login_from_afar(act: Act) -> None:
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    source = act.address("home", f"{act.far_from(user, FAR)} Telecom 1")
    at = begin + 50 * 60
    visit = act.visit(user, at, source, act.foreign_agent(), pages=14, minutes=25)
    visit.read([at + 400 + 60 * nth for nth in range(4)], act.pick(4, at))


def _behind_hosting(act: Act) -> None:
    (user,) = act.cast(presence="working")
    _, end = act.shift(user)
    source = act.address("hosting", act.far_from(user, HOSTING, 1000))
    act.visit(user, end + 12 * 60, source, act.foreign_agent(), pages=18, minutes=30)


def _while_at_work(act: Act) -> None:
    (user,) = act.cast(presence="office")
    begin, end = act.shift(user)
    source = act.address("home", f"{act.far_from(user, FAR)} Telecom 2")
    act.visit(user, (begin + end) // 2, source, pages=12, minutes=max(5, (end - begin) / 150), way="password")


def _same_device(act: Act) -> None:
    (user,) = act.cast(presence="working")
    _, end = act.shift(user)
    city = act.far_from(user, [office.name for office in OFFICES], 4500)
    source = act.address("home", f"{city} Fibre 2")
    act.visit(user, end + 75 * 60, source, act.laptop(user), pages=16, minutes=35, way="sso")


def _stolen_session(act: Act) -> None:
    (user,) = act.cast(presence="office")
    sessions = act.company.sessions
    own = act.of_day(user)
    sid, begin = sessions.sid[int(own[0])], int(sessions.start[own[0]])
    source = act.address("home", f"{act.far_from(user, FAR)} Telecom 1")
    visit = act.visit(user, begin + 35 * 60, source, way="none", sid=sid, pages=15, minutes=20)
    visit.read([begin + 3000 + 90 * nth for nth in range(5)], act.pick(5, begin))


def _token(act: Act) -> None:
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    source = act.address("hosting", act.far_from(user, HOSTING, 1000))
    visit = act.visit(user, begin + 1200, source, devices.SCRIPT[0], way="token", pages=0)
    for nth in range(40):
        visit.request(begin + 1500 + 20 * nth, "/api/now/table/incident?sysparm_limit=100", "rest", 90_000)


SCENES = (
    Scene("travel_login_from_afar", "attack", "easy", (TRAVEL, COUNTRY), "login far away 50 minutes after the office day began",
          _login_from_afar, last_night=True),
    Scene("travel_behind_hosting", "attack", "medium", (TRAVEL, COUNTRY), "unlisted hosting exit soon after the victim's session",
          _behind_hosting),
    Scene("travel_while_at_work", "attack", "hard", (TRAVEL, COUNTRY), "the victim works in the office at the same time, same browser string",
          _while_at_work),
    Scene("travel_same_device", "attack", "expert", (TRAVEL, COUNTRY), "copied device, home line in a country where the company has an office",
          _same_device),
    Scene("travel_stolen_session", "attack", "expert", (TRAVEL, COUNTRY), "session cookie replayed from afar, no login event",
          _stolen_session),
    Scene("travel_token", "attack", "hard", (TRAVEL, COUNTRY), "API token used from abroad while the victim works", _token),
)  # fmt: skip
