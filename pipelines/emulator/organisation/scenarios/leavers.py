"""Accounts that should be gone, and those that only look so."""

from __future__ import annotations

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.clock import DAY, HOUR
from pipelines.emulator.organisation.scenarios.policy_ids import TERMINATED, UNUSUAL
from pipelines.emulator.organisation.script import Scene


def _live_session(act: Act) -> None:
    (user,) = act.cast(presence="working", leaves=True)
    gone = act.local(user, 14)
    act.depart(user, gone)
    visit = act.visit(user, gone + 2 * HOUR, act.home_address(user), way="none", pages=25, minutes=150)
    visit.read([gone + 3 * HOUR + 200 * nth for nth in range(6)], act.pick(6, gone))


def _old_token(act: Act) -> None:
    (user,) = act.cast(leaves=True)
    act.depart(user, act.local(user, 16))
    at = act.local(user, 11, 1)
    visit = act.visit(user, at, act.address("hosting", "Amsterdam"), devices.SCRIPT[0], way="token", pages=0)
    for nth in range(30):
        visit.request(at + 20 * nth, "/api/now/table/incident?sysparm_limit=200", "rest", 150_000)


def _side_door(act: Act) -> None:
    """Deleted in the identity provider, still active in the instance: the local password works."""
    (user,) = act.cast(leaves=True)
    act.depart(user, act.local(user, 15), deleted=True, lag=None)
    act.visit(user, act.local(user, 20, 2), act.home_address(user), pages=14, minutes=40)


def _switched_on_again(act: Act) -> None:
    (user,) = act.cast(leaves=True)
    act.depart(user, act.local(user, 15))
    night = act.local(user, 1.5, 3)
    act.switch(user, night - HOUR, active=True, by="admin")
    act.visit(user, night, act.home_address(user), pages=12, minutes=40)


def _packing(act: Act) -> None:
    """Takes files along on the last three days, in working hours."""
    (user,) = act.cast(leaves=True)
    for day in range(3):
        at = act.local(user, 15 + act.rng.random() * 2, day)
        visit = act.visit(user, at, act.home_address(user), pages=8, minutes=80)
        visit.read([at + 100 + 110 * nth for nth in range(40)], act.pick(40, at))
    act.depart(user, act.local(user, 18, 3))


def _rehired(act: Act) -> None:
    (user,) = act.cast()
    gone, back = act.local(user, 18), act.local(user, 7, 4)
    act.depart(user, gone, back)
    act.visit(user, act.local(user, 11, 4), act.home_address(user), pages=10)


def _off_by_mistake(act: Act) -> None:
    """Switched off for 40 minutes; the open session goes on."""
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    act.identity(user, begin + 1200, {"accountEnabled": "false"})
    act.identity(user, begin + 3600, {"accountEnabled": "true"})
    act.visit(user, begin + 1500, act.home_address(user), way="none", pages=10, minutes=25)


def _jobs_go_on(act: Act) -> None:
    (user,) = act.cast(leaves=True)
    act.depart(user, act.local(user, 16))
    for day in range(1, act.scene.days):
        for hour in (1, 7, 13, 19):
            act.write(
                "syslog_transaction", act.utc(hour, day), user_name=act.name_of(user), url="JOB: Weekly figures for plant managers",
                kind="scheduler", address="", agent="", session="", length=0, status="",
            )  # fmt: skip


def _last_minutes(act: Act) -> None:
    """The directory runs ahead: twenty more minutes of the last session, inside any sensible grace."""
    (user,) = act.cast(presence="working", leaves=True)
    gone = act.local(user, 16.5)
    act.depart(user, gone, lag=2 * DAY)
    act.visit(user, gone + 60, act.home_address(user), way="none", pages=8, minutes=20)


SCENES = (
    Scene("leaver_live_session", "attack", "easy", (TERMINATED,), "a session goes on for hours after the account's end", _live_session),
    Scene("leaver_old_token", "attack", "medium", (TERMINATED,), "API token used the day after", _old_token, days=2, last_night=True),
    Scene("leaver_side_door", "attack", "hard", (TERMINATED,), "local login after deletion in the identity provider", _side_door, days=3),
    Scene("leaver_switched_on_again", "attack", "expert", (TERMINATED,), "account switched on at night, then used", _switched_on_again, days=5),
    Scene("leaver_packing", "attack", "hard", (UNUSUAL,), "40 files a day on the last three days", _packing, days=4),
    Scene("rehired", "benign", "medium", (), "back after four days", _rehired, tempts=(TERMINATED,), days=5),
    Scene("off_by_mistake", "benign", "medium", (), "disabled for 40 minutes by mistake", _off_by_mistake, tempts=(TERMINATED,)),
    Scene("jobs_of_a_leaver", "benign", "easy", (), "server jobs run under a leaver's name", _jobs_go_on, tempts=(TERMINATED,), days=4),
    Scene("last_minutes", "benign", "hard", (), "twenty minutes after the directory's entry", _last_minutes, tempts=(TERMINATED,)),
)  # fmt: skip
