"""People and accounts with rights who misuse them, or handle data carelessly."""

from __future__ import annotations

import numpy as np

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.clock import moment
from pipelines.emulator.organisation.names import DEPARTMENT_INDEX
from pipelines.emulator.organisation.scenarios.policy_ids import (
    ADMINISTRATION,
    CARELESS,
    DELETION,
    DORMANT,
    EXPORT,
    IMPERSONATION,
    INTEGRATION,
    UNMANAGED,
    UNUSUAL,
)  # fmt: skip
from pipelines.emulator.organisation.script import Scene
from pipelines.emulator.organisation.visit import Visit

PERSONAL = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0"


def _grant(act: Act, visit: Visit, time: int, user: int, role: str) -> None:
    people, role_id = act.company.people, act.company.roles[role]
    act.write(
        "sys_audit_role", time, sys_created_by=visit.user, user=people.sys_id[user], role=role_id, operation="Added",
        changed_by=visit.user_id, granted_by_group="",
    )  # fmt: skip
    values = {
        "user": people.sys_id[user], "role": role_id, "granted_by": "", "inherited": "false", "state": "active",
        "sys_created_on": moment(time), "sys_created_by": visit.user,
    }  # fmt: skip
    act.change(time, "sys_user_has_role", act.fresh_id(), values)


def _role_grab(act: Act) -> None:
    (admin,) = act.cast(where=act.company.people.admin)
    (friend,) = act.cast()
    at = act.local(admin, 3.1)
    visit = act.visit(admin, at, act.home_address(admin), pages=6)
    visit.event(at + 60, "security.elevated_role.enabled", visit.user, "security_admin")
    for nth, role in enumerate(("admin", "security_admin", "impersonator", "oauth_admin")):
        _grant(act, visit, at + 120 + 40 * nth, friend, role)


def _lights_out(act: Act) -> None:
    """Switches logging and protection off, one property after the other."""
    (admin,) = act.cast(where=act.company.people.admin)
    at = act.local(admin, 22.5)
    visit = act.visit(admin, at, act.home_address(admin), pages=8)
    visit.event(at + 30, "security.elevated_role.enabled", visit.user, "security_admin")
    for nth, (name, old, new) in enumerate(
        (
            ("glide.sys.log_impersonation", "true", "false"),
            ("glide.authenticate.multifactor", "true", "false"),
            ("glide.basicauth.required.csv", "true", "false"),
        )
    ):
        key, time = act.company.streams.sys_id("property", name), at + 90 + 60 * nth
        visit.audit(time, "sys_properties", "value", key, old=old, new=new)
        act.change(
            time, "sys_properties", key, {"value": new, "sys_updated_on": moment(time), "sys_updated_by": visit.user}
        )


def _many_faces(act: Act) -> None:
    (agent,) = act.cast(where=act.company.people.desk)
    targets = act.rng.permutation(np.flatnonzero(act.company.plain))[:14]
    at = act.local(agent, 11.5)
    visit = act.visit(agent, at, act.home_address(agent), pages=4)
    for nth, target in enumerate(targets):
        visit.event(at + 170 * nth, "impersonation.start", visit.user, act.name_of(int(target)))
        visit.event(at + 170 * nth + 120, "impersonation.end", visit.user, act.name_of(int(target)))


def _behind_a_mask(act: Act) -> None:
    """Reads a director's files while impersonating: the pages carry the director's name and the agent's address."""
    (agent,) = act.cast(where=act.company.people.desk)
    (mask,) = act.cast(crowd=True)
    at = act.local(agent, 12.3)
    visit = act.visit(agent, at, act.office_address(agent), pages=3)
    visit.event(at + 60, "impersonation.start", visit.user, act.name_of(mask))
    masked = act.visit(mask, at + 70, visit.address, visit.agent, way="none", sid=visit.sid, pages=5, minutes=3)
    masked.read([at + 120 + 9 * nth for nth in range(65)], act.pick(65, at))
    visit.event(at + 900, "impersonation.end", visit.user, act.name_of(mask))


def _delete_records(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 800, act.home_address(user), pages=5)
    for nth in range(120):
        time, key = begin + 1000 + 3 * nth, act.fresh_id()
        visit.audit(time, "incident", "DELETED", key, old="DELETED", new="DELETED")
        act.write(
            "sys_audit_delete", time, sys_created_by=visit.user, tablename="incident", documentkey=key,
            display_value=f"INC{900_000 + nth:07d}", payload="",
        )  # fmt: skip


def _user_list(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    act.visit(user, begin + 800, act.home_address(user), pages=4).export(begin + 1000, "sys_user", "CSV", 64_000_000)


def _machine_elsewhere(act: Act) -> None:
    account = "svc.bi_extract"
    act.account(account, act.company.streams.sys_id("user", account))
    at = act.utc(13 + act.rng.random() * 5)
    visit = act.visit(account, at, act.address("hosting", "Bucharest"), devices.SCRIPT[0], pages=0)
    for nth in range(60):
        visit.request(at + 10 * nth, "/api/now/table/sys_user?sysparm_limit=1000", "rest", 900_000)


def _woken_up(act: Act) -> None:
    (user,) = act.cast(where=act.company.people.dormant)
    at = act.local(user, 18.7)
    visit = act.visit(user, at, act.home_address(user), act.foreign_agent(), pages=14)
    visit.read([at + 200 + 40 * nth for nth in range(12)], act.pick(12, at))


def _private_computer(act: Act) -> None:
    people = act.company.people
    sensitive = np.isin(
        people.department, [DEPARTMENT_INDEX["Human Resources"], DEPARTMENT_INDEX["Legal"], DEPARTMENT_INDEX["Finance"]]
    )
    (user,) = act.cast(where=act.company.plain & sensitive)
    at = act.local(user, 21.3)
    visit = act.visit(user, at, act.home_address(user), PERSONAL, pages=6)
    files = act.company.files
    confidential = np.flatnonzero(np.isin(act.company.records.table[files.record], [4, 6]) & (files.created < at))
    visit.read([at + 200 + 60 * nth for nth in range(22)], act.pick(22, at, confidential))


def _careless(act: Act) -> None:
    (user,) = act.cast()
    for day in range(act.scene.days):
        at = act.local(user, 18.5 + act.rng.random(), day)
        visit = act.visit(user, at, act.home_address(user), PERSONAL, pages=4)
        for nth in range(3):
            visit.export(
                at + 200 + 150 * nth, "sn_customerservice_case", "EXCEL", int(act.rng.integers(2_000_000, 6_000_000))
            )


SCENES = (
    Scene("role_grab", "attack", "medium", (ADMINISTRATION,), "four strong roles to a friend at three in the morning", _role_grab),
    Scene("lights_out", "attack", "hard", (ADMINISTRATION,), "logging and protection switched off in the evening", _lights_out),
    Scene("many_faces", "attack", "medium", (IMPERSONATION,), "14 people impersonated within 40 minutes", _many_faces, last_night=True),
    Scene("behind_a_mask", "attack", "expert", (IMPERSONATION, UNUSUAL), "65 downloads while impersonating", _behind_a_mask),
    Scene("delete_records", "attack", "easy", (DELETION,), "120 incidents deleted in six minutes", _delete_records),
    Scene("user_list", "attack", "easy", (EXPORT, UNUSUAL), "the whole user list in one export of 64 MB", _user_list),
    Scene("machine_elsewhere", "attack", "medium", (INTEGRATION,), "an extract account from hosting abroad", _machine_elsewhere),
    Scene("woken_up", "attack", "medium", (DORMANT,), "an account unused for the whole period", _woken_up),
    Scene("private_computer", "attack", "hard", (UNMANAGED, UNUSUAL), "confidential files on a device never seen", _private_computer),
    Scene("careless", "attack", "medium", (CARELESS, UNMANAGED), "exports to a private computer on three evenings", _careless, days=3),
)  # fmt: skip
