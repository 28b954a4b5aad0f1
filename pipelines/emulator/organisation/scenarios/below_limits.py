"""Taking and looking that stays below every fixed limit, and honest days that look like it.

No single count of these days is remarkable for the organisation; together they are unlike the person.
"""

from __future__ import annotations

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.people import Kind
from pipelines.emulator.organisation.scenarios.policy_ids import UNLIKE, UNUSUAL
from pipelines.emulator.organisation.script import NotEnoughPeopleError, Scene
from pipelines.emulator.organisation.streams import Bools
from pipelines.emulator.organisation.visit import Visit

#: Records that most people never open, and those that everybody works with.
SENSITIVE = ("sn_hr_core_case", "ast_contract", "sn_si_incident", "fin_journal", "customer_account", "sys_user", "cmdb_ci", "kb_knowledge", "oauth_entity")  # fmt: skip
EVERYDAY = ("incident", "change_request", "problem", "sc_request", "kb_knowledge", "sc_task")


def _scattered(act: Act, begin: int, seconds: float, count: int) -> list[int]:
    return sorted((begin + act.rng.integers(0, int(seconds), count)).tolist())


def _look(act: Act, visit: Visit, times: list[int], tables: tuple[str, ...]) -> None:
    """Opens one record per time, of the tables in turn."""
    for nth, time in enumerate(times):
        size = int(act.rng.lognormal(10.4, 0.4))
        visit.request(time, f"/{tables[nth % len(tables)]}.do?sys_id={act.fresh_id()}", "form", size)


def _employees(act: Act) -> Bools:
    mask: Bools = act.at_home() & (act.company.people.kind != Kind.EXTERNAL)
    return mask


def _drip(act: Act) -> None:
    (user,) = act.cast()
    for day in range(act.scene.days):
        at = act.local(user, 10 + act.rng.random() * 5, day)
        visit = act.visit(user, at, act.home_address(user), pages=5, minutes=120)
        count = int(act.rng.integers(7, 10))
        visit.read(_scattered(act, at + 120, 7000, count), act.pick(count, at))


def _snooping(act: Act) -> None:
    (user,) = act.cast(where=_employees(act), presence="working")
    _, end = act.shift(user)
    visit = act.visit(user, end + 1800, act.home_address(user), pages=3)
    _look(act, visit, _scattered(act, end + 1900, 3600, 48), SENSITIVE)


def _parting_gifts(act: Act) -> None:
    (user,) = act.cast(where=_employees(act), presence="working")
    at = act.local(user, 20.2)
    visit = act.visit(user, at, act.home_address(user), pages=10, minutes=70)
    visit.read(_scattered(act, at + 200, 4200, 19), act.pick(19, at))
    for time in _scattered(act, at + 300, 4000, 3):
        visit.export(time, "customer_account", "EXCEL", int(act.rng.integers(700_000, 1_600_000)))
    _look(act, visit, _scattered(act, at + 250, 4200, 14), SENSITIVE[:5])


def _saturday_haul(act: Act) -> None:
    weekdays = [day.weekday() for day in act.company.whereabouts.days]
    days = [day for day in range(act.day, act.company.days - 1) if weekdays[day] == 5]
    if not days:
        raise NotEnoughPeopleError(act.scene.name)
    act.day = days[0]
    (user,) = act.cast(where=_employees(act), presence="absent")
    at = act.local(user, 7 + act.rng.random() * 13)
    visit = act.visit(user, at, act.home_address(user), pages=12, minutes=80)
    visit.read(_scattered(act, at + 100, 4800, 17), act.pick(17, at))
    for time in _scattered(act, at + 150, 4700, 4):
        visit.export(time, "ast_contract", "CSV", int(act.rng.integers(400_000, 1_100_000)))


def _token_drip(act: Act) -> None:
    (user,) = act.cast(where=_employees(act))
    for day in range(act.scene.days):
        at = act.local(user, 12 + act.rng.random() * 8, day)
        visit = act.visit(user, at, act.home_address(user), devices.SCRIPT[0], way="token", pages=0)
        for nth in range(int(act.rng.integers(24, 36))):
            offset = nth * 200
            url = f"/api/now/table/customer_account?sysparm_limit=200&sysparm_offset={offset}"
            visit.request(at + 25 * nth, url, "rest", int(act.rng.integers(180_000, 320_000)))


def _new_duty(act: Act) -> None:
    """Takes over a colleague's work: other tables, a dozen files, many changes, within the usual hours."""
    (user,) = act.cast(where=_employees(act), presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 300, act.home_address(user), pages=12, minutes=200)
    visit.read(_scattered(act, begin + 400, 9000, 9), act.pick(9, begin))
    _look(act, visit, _scattered(act, begin + 400, 10_000, 25), EVERYDAY)
    for time in _scattered(act, begin + 500, 9000, 16):
        visit.audit(time, "incident", "assigned_to", act.fresh_id(), old="", new=visit.user)


def _deadline(act: Act) -> None:
    """Finishes a report at home in the evening."""
    (user,) = act.cast(where=_employees(act), presence="working")
    at = act.local(user, 20 + act.rng.random())
    visit = act.visit(user, at, act.home_address(user), pages=25, minutes=110)
    visit.read(_scattered(act, at + 300, 6000, 8), act.pick(8, at))
    visit.export(at + 4000, "incident", "EXCEL", int(act.rng.integers(200_000, 900_000)))


def _saturday_shift(act: Act) -> None:
    """Covers for the service desk on a Saturday."""
    weekdays = [day.weekday() for day in act.company.whereabouts.days]
    days = [day for day in range(act.day, act.company.days - 1) if weekdays[day] == 5]
    if not days:
        raise NotEnoughPeopleError(act.scene.name)
    act.day = days[0]
    (user,) = act.cast(where=_employees(act), presence="absent")
    at = act.local(user, 9)
    visit = act.visit(user, at, act.home_address(user), pages=30, minutes=300)
    visit.read(_scattered(act, at + 300, 15_000, 3), act.pick(3, at))
    for time in _scattered(act, at + 300, 16_000, 12):
        visit.audit(time, "incident", "state", act.fresh_id(), old="1", new="2")


SCENES = (
    Scene("drip_copying", "attack", "expert", (UNLIKE,), "seven to nine attachments a day for nine days, at usual hours", _drip, days=9),
    Scene("snooping", "attack", "hard", (UNLIKE,), "48 records of nine sensitive tables after work, nothing fetched", _snooping),
    Scene("parting_gifts", "attack", "hard", (UNLIKE,), "19 files, three small exports and foreign tables in an evening", _parting_gifts),
    Scene("saturday_haul", "attack", "hard", (UNLIKE,), "17 files and four small exports on a free Saturday", _saturday_haul, any_day=True),
    Scene("token_drip", "attack", "expert", (UNLIKE,), "about 30 reads of 250 kB through the API on five days", _token_drip, days=5),
    Scene("new_duty", "benign", "hard", (), "takes over a colleague's work for a day", _new_duty, tempts=(UNLIKE, UNUSUAL)),
    Scene("deadline", "benign", "hard", (), "an evening at home before a deadline", _deadline, tempts=(UNLIKE, UNUSUAL)),
    Scene("saturday_shift", "benign", "hard", (), "covers for the service desk on a Saturday", _saturday_shift, tempts=(UNLIKE,), any_day=True),
)  # fmt: skip
