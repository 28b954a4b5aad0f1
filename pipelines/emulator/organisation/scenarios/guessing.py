"""Passwords being guessed: in bursts, slowly, over many accounts, from many addresses."""

from __future__ import annotations

import numpy as np

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.network import HOSTING
from pipelines.emulator.organisation.places import ELSEWHERE
from pipelines.emulator.organisation.scenarios.policy_ids import COUNTRY, FAILED, SUSPICIOUS, TRAVEL
from pipelines.emulator.organisation.scenarios.travel import FAR
from pipelines.emulator.organisation.script import Scene
from pipelines.emulator.organisation.tables import ADMIN


def _spread(act: Act, begin: int, seconds: int, count: int) -> list[int]:
    return [int(time) for time in np.sort(act.rng.integers(begin, begin + seconds, count))]


def _source(act: Act) -> str:
    return act.address("home", f"{ELSEWHERE[int(act.rng.integers(len(ELSEWHERE)))].name} Telecom 1")


def _burst(act: Act) -> None:
    (user,) = act.cast()
    act.fail(act.name_of(user), _spread(act, act.utc(3 + act.rng.random() * 15), 240, 26), _source(act))


def _over_the_boundary(act: Act) -> None:
    """Twelve tries within two minutes, six on either side of a full five minutes."""
    (user,) = act.cast()
    edge = act.utc(int(act.rng.integers(6, 20))) + 300 * int(act.rng.integers(1, 11))
    times = _spread(act, edge - 55, 54, 6) + _spread(act, edge, 55, 6)
    act.fail(act.name_of(user), times, _source(act))


def _over_midnight(act: Act) -> None:
    (user,) = act.cast()
    midnight = act.utc(24)
    act.fail(act.name_of(user), _spread(act, midnight - 110, 109, 8) + _spread(act, midnight, 110, 8), _source(act))


def _slowly(act: Act) -> None:
    (user,) = act.cast()
    begin = act.utc(2 + act.rng.random() * 3)
    times = [begin + nth * 620 + int(act.rng.integers(0, 90)) for nth in range(66)]
    act.fail(act.name_of(user), times, _source(act))


def _victims(act: Act, most: int) -> list[int]:
    return act.cast(min(most, max(12, len(act.company.people) // 7)), crowd=True)


def _spray(act: Act) -> None:
    source, begin = (
        act.address("hosting", HOSTING[int(act.rng.integers(len(HOSTING)))]),
        act.utc(1 + act.rng.random() * 16),
    )
    for nth, user in enumerate(act.rng.permutation(_victims(act, 60))):
        act.fail(act.name_of(int(user)), _spread(act, begin + nth * 130, 100, int(act.rng.integers(1, 3))), source)


def _spray_with_success(act: Act) -> None:
    source, begin = (
        act.address("hosting", HOSTING[int(act.rng.integers(len(HOSTING)))]),
        act.utc(1 + act.rng.random() * 14),
    )
    victims = _victims(act, 45)
    for nth, user in enumerate(victims):
        act.fail(act.name_of(user), [begin + nth * 200 + int(act.rng.integers(0, 90))], source)
    act.visit(victims[-1], begin + len(victims) * 200 + 60, source, act.foreign_agent(), pages=10)


def _many_sources(act: Act) -> None:
    (user,) = act.cast()
    sources = [act.address("home", f"{city.name} Telecom 2") for city in ELSEWHERE for _ in range(3)]
    act.fail(act.name_of(user), _spread(act, act.utc(4 + act.rng.random() * 14), 1500, 34), sources)


def _then_in(act: Act) -> None:
    (user,) = act.cast(presence="absent")
    begin, source = (
        act.local(user, 3 + act.rng.random() * 16),
        act.address("home", f"{act.far_from(user, FAR)} Telecom 1"),
    )
    act.fail(act.name_of(user), _spread(act, begin, 230, 13), source)
    visit = act.visit(user, begin + 250, source, act.foreign_agent(), pages=9)
    visit.read([begin + 600 + 45 * nth for nth in range(6)], act.pick(6, begin))


def _patiently_in(act: Act) -> None:
    (user,) = act.cast(presence="absent")
    begin, source = act.local(user, 1 + act.rng.random() * 2), _source(act)
    act.fail(act.name_of(user), [begin + nth * 1100 for nth in range(7)], source)
    act.visit(user, begin + 7 * 1100 + 40, source, act.foreign_agent(), pages=9)


def _administrator(act: Act) -> None:
    act.account("admin", ADMIN)
    act.fail("admin", _spread(act, act.utc(2 + act.rng.random() * 18), 280, 40), _source(act))


def _made_up_names(act: Act) -> None:
    """Names from a list, none of which exists; deliberately unknown to `sys_user`."""
    source, begin = _source(act), act.utc(2 + act.rng.random() * 18)
    for nth, name in enumerate(
        ("root", "test", "itil", "servicedesk", "backup", "oracle", "scanner", "info", "support1", "demo")
    ):
        act.account(name, "")
        act.fail(name, _spread(act, begin + nth * 40, 38, 4), source)


def _from_tor(act: Act) -> None:
    (user,) = act.cast()
    act.fail(act.name_of(user), _spread(act, act.utc(5 + act.rng.random() * 12), 500, 5), act.address("tor", "Berlin"))


SCENES = (
    Scene("guess_burst", "attack", "easy", (FAILED,), "26 tries in four minutes", _burst, last_night=True, any_day=True),
    Scene("guess_over_boundary", "attack", "medium", (FAILED,), "12 tries in two minutes around a full five minutes", _over_the_boundary, any_day=True),
    Scene("guess_over_midnight", "attack", "medium", (FAILED,), "16 tries around midnight UTC", _over_midnight, days=2, any_day=True),
    Scene("guess_slowly", "attack", "hard", (FAILED,), "one try every ten minutes for eleven hours", _slowly, any_day=True),
    Scene("spray", "attack", "hard", (FAILED, SUSPICIOUS), "one or two tries on many accounts from one address", _spray),
    Scene("spray_with_success", "attack", "expert", (FAILED, SUSPICIOUS, TRAVEL, COUNTRY), "one try each, the last one succeeds", _spray_with_success),
    Scene("guess_from_many_sources", "attack", "hard", (FAILED,), "34 tries on one account, each address seen at most twice", _many_sources),
    Scene("guess_then_in", "attack", "medium", (FAILED, COUNTRY), "success after 13 failures, then downloads", _then_in),
    Scene("guess_patiently_in", "attack", "expert", (FAILED, COUNTRY), "success after seven failures in two hours", _patiently_in),
    Scene("guess_administrator", "attack", "easy", (FAILED,), "40 tries on the built-in administrator", _administrator, any_day=True),
    Scene("guess_made_up_names", "attack", "medium", (FAILED,), "40 tries on accounts that do not exist", _made_up_names, any_day=True),
    Scene("few_tries_from_tor", "benign", "medium", (), "five failures from Tor: location policies do not judge failures",
          _from_tor, tempts=("anonymous_ip_activity", FAILED)),
)  # fmt: skip
