"""Large downloads with an innocent reason; some of them literally meet a policy's definition."""

from __future__ import annotations

import numpy as np

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.devices import MACHINE
from pipelines.emulator.organisation.names import DEPARTMENT_INDEX
from pipelines.emulator.organisation.people import Kind
from pipelines.emulator.organisation.scenarios.copying import _even
from pipelines.emulator.organisation.scenarios.policy_ids import EXPORT, MASS, UNUSUAL
from pipelines.emulator.organisation.script import NotEnoughPeopleError, Scene
from pipelines.emulator.organisation.sessions import near_quarter_end
from pipelines.emulator.organisation.streams import Bools


def _unit(act: Act, name: str) -> Bools:
    members: Bools = act.company.plain & (act.company.people.department == DEPARTMENT_INDEX[name])
    return members


def _quarter_end(act: Act) -> None:
    days = [
        day for day, date in enumerate(act.company.whereabouts.days) if near_quarter_end(date) and date.weekday() < 5
    ]
    days = [day for day in days if day >= act.company.population.learning_days]
    if not days:
        raise NotEnoughPeopleError(act.scene.name)
    act.day = days[act.copy % len(days)]
    (user,) = act.cast(where=_unit(act, "Finance"), presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 300, act.office_address(user), pages=20, minutes=200)
    visit.read(_even(begin + 400, 4 * 3600, 90), act.pick(90, begin))
    for nth in range(14):
        visit.export(begin + 600 + 700 * nth, "ast_contract", "EXCEL", int(act.rng.integers(1_000_000, 5_000_000)))


def _discovery(act: Act) -> None:
    (user,) = act.cast(where=_unit(act, "Legal"))
    at = act.local(user, 10.5)
    visit = act.visit(user, at - 100, act.office_address(user), pages=6, minutes=3)
    visit.read(_even(at, 240, 280), act.pick(280, at))


def _resync(act: Act) -> None:
    """A new laptop fetches what the old one had: the same person's line, a sync client, no page in between."""
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 200, act.home_address(user), MACHINE["laptop"], way="token", pages=0)
    visit.read(_even(begin + 240, 52, 70), act.pick(70, begin), way="api")


def _move_to_archive(act: Act) -> None:
    (user,) = act.cast(where=act.company.people.admin)
    at = act.local(user, 19)
    visit = act.visit(
        user, at, act.address("datacentre", "Rotterdam", 3), "python-requests/2.32.5", way="token", pages=0
    )
    visit.read(_even(at, 600, 400), act.pick(400, at), way="api")


def _auditor(act: Act) -> None:
    (user,) = act.cast(where=act.company.people.kind == Kind.EXTERNAL)
    at = act.local(user, 10)
    visit = act.visit(user, at, act.home_address(user), pages=15, minutes=300)
    visit.read(_even(at + 200, 5 * 3600, 48), act.pick(48, at))


def _new_project(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 400, act.office_address(user), pages=10, minutes=60)
    visit.read(_even(begin + 500, 3000, 26), act.pick(26, begin))


def _gallery(act: Act) -> None:
    """One page with pictures, reloaded: the same dozen files again and again."""
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 500, act.office_address(user), pages=4, minutes=3)
    visit.read(_even(begin + 700, 54, 66), np.tile(act.pick(11, begin), 6))


SCENES = (
    Scene("quarter_end", "benign", "medium", (), "finance closes the quarter: 90 files and 14 exports", _quarter_end, tempts=(UNUSUAL, EXPORT), any_day=True),
    Scene("discovery", "benign", "hard", (MASS, UNUSUAL), "legal collects 280 files in four minutes, by order", _discovery),
    Scene("resync", "benign", "hard", (MASS,), "a sync client fills a new laptop: 70 files in 52 seconds", _resync, tempts=(UNUSUAL,)),
    Scene("move_to_archive", "benign", "medium", (MASS, UNUSUAL), "an administrator's script reads 400 files", _move_to_archive),
    Scene("auditor", "benign", "medium", (), "an external auditor reads 48 files in a day", _auditor, tempts=(UNUSUAL,)),
    Scene("new_project", "benign", "easy", (), "26 files on the first day in a project", _new_project, tempts=(UNUSUAL,)),
    Scene("gallery", "benign", "hard", (MASS,), "66 reads of the same eleven files in 54 seconds", _gallery),
)  # fmt: skip
