"""Stolen accounts used from addresses with a reputation, or from countries nobody expects."""

from __future__ import annotations

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.clock import DAY, HOUR
from pipelines.emulator.organisation.network import PROXIES, TOR
from pipelines.emulator.organisation.places import CITIES, OFFICES
from pipelines.emulator.organisation.scenarios.policy_ids import ANONYMOUS, COUNTRY, RISKY, SUSPICIOUS, TRAVEL
from pipelines.emulator.organisation.scenarios.travel import FAR
from pipelines.emulator.organisation.script import Scene


def _any(act: Act, names: tuple[str, ...]) -> str:
    return names[int(act.rng.integers(len(names)))]


def _tor_login(act: Act) -> None:
    (user,) = act.cast()
    at = act.local(user, 8 + act.rng.random() * 7)
    act.visit(user, at, act.address("tor", _any(act, TOR)), devices.ATTACKER[0], pages=12)


def _proxy_login(act: Act) -> None:
    (user,) = act.cast(presence="absent")
    at = act.local(user, 9 + act.rng.random() * 9)
    act.visit(user, at, act.address("proxy", _any(act, PROXIES)), act.foreign_agent(), pages=12)


def _tor_token(act: Act) -> None:
    (user,) = act.cast()
    at = act.local(user, 11 + act.rng.random() * 6)
    visit = act.visit(user, at, act.address("tor", _any(act, TOR)), devices.SCRIPT[1], way="token", pages=0)
    for nth in range(25):
        visit.request(at + 15 * nth, "/api/now/table/sys_user?sysparm_limit=100", "rest", 60_000)


def _neighbour(act: Act, user: int) -> str:
    """A home line in the victim's own city: nothing but the list gives it away."""
    return act.address("home", f"{CITIES[int(act.company.people.city[user])].name} Cable 3")


def _listed_login(act: Act, category: str, first_seen: int, last_seen: int | None = None) -> None:
    (user,) = act.cast(presence="absent")
    at, source = act.local(user, 8 + act.rng.random() * 8), _neighbour(act, user)
    act.listing(category, source, at + first_seen, None if last_seen is None else at + last_seen)
    act.visit(user, at, source, act.foreign_agent(), pages=12)


def _botnet_login(act: Act) -> None:
    _listed_login(act, "botnet", -9 * DAY)


def _spray_source_login(act: Act) -> None:
    _listed_login(act, "password_spray", -2 * DAY, 3 * DAY)


def _listed_later(act: Act) -> None:
    _listed_login(act, "botnet", 7 * HOUR)


def _listed_once(act: Act) -> None:
    """An address that was on the list until three weeks ago and is an employee's home line now."""
    (user,) = act.cast(presence="working")
    at, source = act.local(user, 19), _neighbour(act, user)
    act.listing("botnet", source, at - 60 * DAY, at - 21 * DAY)
    act.visit(user, at, source, pages=9)


def _from_abroad(act: Act) -> None:
    (user,) = act.cast(presence="absent")
    at = act.local(user, 7 + act.rng.random() * 8)
    act.visit(user, at, act.address("home", f"{act.far_from(user, FAR)} Telecom 2"), act.foreign_agent(), pages=14)


def _settling_abroad(act: Act) -> None:
    """Reads mail for three nights, quietly."""
    (user,) = act.cast(presence="absent")
    source = act.address("home", f"{act.far_from(user, FAR)} Telecom 1")
    for day in range(act.scene.days):
        act.visit(user, act.local(user, 2 + act.rng.random(), day), source, act.foreign_agent(), pages=6)


def _in_a_company_country(act: Act) -> None:
    (user,) = act.cast(presence="absent")
    at = act.local(user, 8 + act.rng.random() * 8)
    city = act.far_from(user, [office.name for office in OFFICES])
    act.visit(user, at, act.address("home", f"{city} Cable 2"), act.foreign_agent(), pages=12)


SCENES = (
    Scene("tor_login", "attack", "easy", (ANONYMOUS, RISKY, COUNTRY, TRAVEL), "login through a Tor exit", _tor_login, last_night=True),
    Scene("proxy_login", "attack", "easy", (ANONYMOUS, RISKY, COUNTRY), "login through a commercial VPN", _proxy_login),
    Scene("tor_token", "attack", "hard", (ANONYMOUS, COUNTRY, TRAVEL), "API token used through Tor, no login event", _tor_token),
    Scene("botnet_login", "attack", "easy", (SUSPICIOUS, RISKY), "login from a listed home line in the victim's city", _botnet_login),
    Scene("spray_source_login", "attack", "medium", (SUSPICIOUS,), "login from a source of password spraying", _spray_source_login),
    Scene("listed_later", "attack", "hard", (SUSPICIOUS, RISKY), "the address is listed seven hours after its use", _listed_later),
    Scene("listed_once", "benign", "hard", (), "the listing ended three weeks ago", _listed_once, tempts=(SUSPICIOUS, RISKY)),
    Scene("login_from_abroad", "attack", "easy", (COUNTRY,), "unknown country while the victim is off", _from_abroad, last_night=True),
    Scene("settling_abroad", "attack", "medium", (COUNTRY, TRAVEL), "three quiet nights from an unknown country", _settling_abroad, days=3),
    Scene("login_in_company_country", "attack", "hard", (COUNTRY,), "new for the user, common for the organisation", _in_a_company_country),
)  # fmt: skip
