"""Failed logins with an innocent reason."""

from __future__ import annotations

import numpy as np

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.places import CITIES
from pipelines.emulator.organisation.scenarios.policy_ids import FAILED
from pipelines.emulator.organisation.script import Scene


def _password_changed(act: Act) -> None:
    """The laptop has the new password, the phone keeps trying the old one."""
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    phone = act.address("mobile", CITIES[int(act.company.people.city[user])].country)
    act.visit(user, begin + 600, act.home_address(user), pages=4)
    act.fail(act.name_of(user), [begin + 700 + int(at) for at in np.sort(act.rng.integers(0, 7000, 70))], phone)


def _expired_secret(act: Act) -> None:
    account = "svc.ticket_bridge"
    act.account(account, act.company.streams.sys_id("user", account))
    begin = act.utc(6 + act.rng.random() * 8)
    act.fail(account, [begin + 30 * nth for nth in range(330)], act.address("cloud", "Dublin", 1))


def _provider_down(act: Act) -> None:
    """Single sign-on fails for half an hour; people try their old local passwords."""
    sso = act.company.people.sso & (act.company.people.left > act.utc(0))
    users = act.cast(
        max(8, len(act.company.people) // 9), where=act.company.plain & sso, presence="working", crowd=True
    )
    begin = act.utc(8.2)
    for user in users:
        at, name = begin + int(act.rng.integers(0, 1700)), act.name_of(user)
        act.write(
            "sysevent", at, name="external.authentication.failed", parm1=name, parm2="Requirement missing: SAML assertion",
            table="", instance=act.fresh_id(), user_id=act.company.people.sys_id[user], user_name=name, uri="",
        )  # fmt: skip
        tries = int(act.rng.integers(0, 5))
        act.fail(name, [at + 30 + 20 * nth for nth in range(tries)], act.office_address(user))


def _monday_expiry(act: Act) -> None:
    """Passwords of one office expired over the weekend: everybody stumbles once behind the same address."""
    office = int(act.rng.integers(0, 3))
    users = act.cast(
        max(6, len(act.company.people) // 20), where=act.company.plain & (act.company.people.city == office), crowd=True
    )
    for user in users:
        at = act.local(user, 8 + act.rng.random() * 1.5)
        act.fail(
            act.name_of(user), [at + 25 * nth for nth in range(int(act.rng.integers(1, 4)))], act.office_address(user)
        )


def _after_holidays(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    at = begin - 500
    act.fail(act.name_of(user), [at + 35 * nth for nth in range(8)], act.home_address(user))


def _penetration_test(act: Act) -> None:
    """Ordered by the security team, from an address inside the company's range."""
    users = act.cast(max(6, len(act.company.people) // 15), crowd=True)
    source, begin = act.address("datacentre", "Rotterdam", 9), act.utc(13)
    for nth, user in enumerate(users):
        act.fail(act.name_of(user), [begin + 25 * nth + 7 * again for again in range(3)], source)


SCENES = (
    Scene("password_changed", "benign", "hard", (), "70 failures of a phone with the old password", _password_changed, tempts=(FAILED,), last_night=True),
    Scene("expired_secret", "benign", "medium", (), "an integration fails every 30 seconds for hours", _expired_secret, tempts=(FAILED,)),
    Scene("provider_down", "benign", "hard", (), "single sign-on outage, many users fail for half an hour", _provider_down, tempts=(FAILED,)),
    Scene("monday_expiry", "benign", "hard", (), "an office stumbles behind one address", _monday_expiry, tempts=(FAILED,)),
    Scene("after_holidays", "benign", "easy", (), "eight failures, then the right password", _after_holidays, tempts=(FAILED,)),
    Scene("penetration_test", "benign", "medium", (FAILED,), "ordered spray from a company address", _penetration_test),
)  # fmt: skip
