"""What a recommendation about people, rules, clients and upkeep is asked: good rows, one change at a time that offends.

Beside the good row of `BASE` every instance needs, `CASES` gives per number the rows as they should be and, each on its
own, rows that are put in their place. Written from the list of recommendations and not from the declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tests.posture.world import DAY, Row

Rows = Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True)
class Case:
    """Everything but `good` replaces whole tables of it.

    `bad` offends, `fine` does not though it looks like it, `doubtful` cannot be told; `found` is what a finding names,
    `absent` the state without any row, `denied` a table that it reads; hidden rows of `acquitting` may excuse.
    """

    good: Rows
    bad: tuple[Rows, ...]
    found: str = ""
    absent: str = "unknown"
    denied: str = ""
    doubtful: tuple[Rows, ...] = ()
    fine: tuple[Rows, ...] = ()
    acquitting: tuple[str, ...] = ()


def ago(days: int) -> str:
    return f"{DAY - timedelta(days=days)} 09:00:00"


ROLES_AND_HOLDERS: Rows = {
    "sys_user_role": tuple(
        {"sys_id": f"id-{name}", "name": name, "assignable_by": "sn_hr_core.admin" if name.startswith("sn_hr") else ""}
        for name in ("admin", "itil", "snc_internal", "snc_external", "public", "sn_hr_core.admin", "sn_hr_core.basic", "sn_si.admin")
    ),
    "sys_user_role_contains": ({"role": "id-admin", "contains": "id-itil"},),
    "sys_user_has_role": ({"user": "u", "role": "id-snc_internal", "state": "active"},),
}  # fmt: skip
_USER: Row = {
    "sys_id": "u", "active": "true", "source": "", "web_service_access_only": "false", "internal_integration_user": "false",
    "enable_multifactor_authn": "false", "password_needs_reset": "false", "locked_out": "false", "failed_attempts": "0",
    "last_login_time": ago(1), "sys_created_on": ago(900), "sys_updated_on": ago(1),
}  # fmt: skip
_PEOPLE: Rows = {**ROLES_AND_HOLDERS, "sys_user": (_USER,)}


def _user(**changes: str) -> Rows:
    return {"sys_user": ({**_USER, **changes},)}


def holding(role: str, *users: str) -> Rows:
    more = tuple({"user": user, "role": f"id-{role}", "state": "active"} for user in users or ("u",))
    return {"sys_user_has_role": (*ROLES_AND_HOLDERS["sys_user_has_role"], *more)}


def _crowd(size: int) -> Rows:
    names = [f"c{n}" for n in range(size)]
    return {"sys_user": tuple({**_USER, "sys_id": name} for name in names), **holding("admin", *names)}


def contained(role: str) -> Rows:
    return {
        "sys_user_role_contains": (
            {"role": "id-itil", "contains": f"id-{role}"},
            *ROLES_AND_HOLDERS["sys_user_role_contains"],
        )
    }


def _assigned_by(said: str) -> Rows:
    return {
        "sys_user_role": (
            {"sys_id": "h", "name": "sn_hr_core.basic", "assignable_by": said},
            *ROLES_AND_HOLDERS["sys_user_role"],
        )
    }


PEOPLE: Mapping[str, Case] = {
    "D3": Case({**_PEOPLE, **_crowd(10)}, (_crowd(11),), "admin", denied="sys_user_has_role",
               fine=({**_crowd(11), "sys_user": (*_crowd(10)["sys_user"], {**_USER, "sys_id": "c10", "active": "false"})},)),
    "D5": Case(_PEOPLE, ({**_user(web_service_access_only="true"), **holding("admin")},), "u", denied="sys_user"),
    "D6": Case(_PEOPLE, (_user(internal_integration_user="true"),), "u", denied="sys_user"),
    "D9": Case(
        {**_PEOPLE, **holding("admin"), "user_multifactor_auth": ({"user": "u", "validated": "true"},)},
        ({"user_multifactor_auth": ({"user": "u", "validated": "false"},)}, {"user_multifactor_auth": ()}),
        "u",
        denied="user_multifactor_auth",
        acquitting=("user_multifactor_auth",),
        doubtful=({"user_multifactor_auth": (), **_user(source="ldap:CN=Ann")},),
    ),
    "D10": Case(
        {**_PEOPLE, **_user(enable_multifactor_authn="true"), "user_multifactor_auth": ({"user": "u", "validated": "1"},)},
        ({"user_multifactor_auth": ()}, {**_user(), "user_multifactor_auth": ({"user": "u", "validated": "false"},)}),
        "u",
        denied="user_multifactor_auth",
        acquitting=("user_multifactor_auth",),
    ),
    "D13": Case(
        {**_PEOPLE, **_user(last_login_time=ago(179))},
        (_user(last_login_time=ago(180)), _user(last_login_time="", sys_created_on=ago(30))),
        "u",
        denied="sys_user",
    ),
    "D14": Case(
        {**_PEOPLE, **_user(password_needs_reset="true", sys_created_on=ago(6), sys_updated_on=ago(6))},  # a switch
        (_user(password_needs_reset="true", sys_updated_on=ago(7)),),  # the same
        "u",
        denied="sys_user",
        doubtful=(_user(password_needs_reset="true", sys_updated_on=ago(1)),),  # the same
    ),
    "D15": Case(
        {**_PEOPLE, **_user(failed_attempts="2")},
        (_user(failed_attempts="3"), _user(locked_out="true")),
        "u",
        denied="sys_user",
    ),
    "D16": Case(
        {**_PEOPLE, **_user(last_login_time=ago(400))},
        ({**_user(last_login_time=ago(400)), "sys_user_has_role": ({"user": "x", "role": "id-admin", "state": "active"},)},),
        "u",
        denied="sys_user",
        acquitting=("sys_user_has_role",),
    ),
    "D17": Case(
        {"posture_count": ({"question": "directory_account_with_password", "rows": 0},)},
        ({"posture_count": ({"question": "directory_account_with_password", "rows": 1},)},),
        denied="posture_count",
    ),
    "D18": Case(
        {**_PEOPLE, **holding("admin"), "posture_access_before": ({"user_uid": "u", "role": "admin"},)},
        ({"posture_access_before": ()}, {"posture_access_before": ({"user_uid": "u", "role": "oauth_admin"},)}),
        "u",
        denied="sys_user",
    ),
    "D19": Case(_PEOPLE, (contained("sn_hr_core.admin"), contained("sn_si.admin")), denied="sys_user_role_contains"),
    "D20": Case(_PEOPLE, (_assigned_by(""), _assigned_by("admin"), _assigned_by("id-admin")), "h", denied="sys_user_role",
                fine=(_assigned_by("id-sn_hr_core.admin"), _assigned_by("sn_hr_core.basic, sn_hr_core.admin"))),
}  # fmt: skip
