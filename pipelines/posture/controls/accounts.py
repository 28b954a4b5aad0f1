"""Accounts and the roles that they hold (of D2-D12); roles by the closure of `pipelines.posture.holders`."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import NoRows
from pipelines.posture.controls._declare import other, scan, unrated
from pipelines.posture.controls._tables import active, off
from pipelines.posture.core import Category
from pipelines.posture.holders import ROLE_TABLES
from pipelines.posture.relations import Relations

_account = partial(other, Category.ACCOUNTS)
_ROLES = {table: tuple(sorted(columns)) for table, columns in ROLE_TABLES.items()}
_ALUMNI = "sn_hr_core.hrsm_alumni"


def _holders(t: Relations, role: str) -> ir.Table:
    holders = t.role_holders
    return holders.filter(holders.role == role).select("user_uid").distinct()


def _both_sides(t: Relations) -> ir.Table:
    inside, outside = _holders(t, "snc_internal"), _holders(t, "snc_external").view()
    return inside.semi_join(outside, inside.user_uid == outside.user_uid).select(uid="user_uid")


def _integration_admins(t: Relations) -> ir.Table:
    user, admins = t["sys_user"], _holders(t, "admin")
    accounts = user.filter(active(user.internal_integration_user))
    return accounts.semi_join(admins, accounts.sys_id == admins.user_uid).select(uid="sys_id")


def _default_admin(t: Relations) -> ir.Table:
    user, holders = t["sys_user"], t.role_holders
    named = user.filter(user.user_name == "admin")
    with_roles = named.semi_join(holders, named.sys_id == holders.user_uid).select(uid="sys_id")
    return named.filter(active(named.active)).select(uid="sys_id").union(with_roles)


def _active_alumni(t: Relations) -> ir.Table:
    user, alumni = t["sys_user"], _holders(t, _ALUMNI)
    living = user.filter(active(user.active))
    return living.semi_join(alumni, living.sys_id == alumni.user_uid).select(uid="sys_id")


CONTROLS = (
    _account(
        "D2",
        "nobody_internal_and_external",
        "Nobody is both an internal and an external user",
        NoRows(
            "users who hold both snc_internal and snc_external",
            _both_sides,
            _ROLES,
            repair=("Take one of the two roles from each user.",),
        ),
        unrated("ServiceNow Access Controls Auditor and Auditor suites"),
        why="An external user who is also internal passes the rules that keep outsiders out.",
        impact="The user sees only what the remaining role shows.",
    ),
    _account(
        "D4",
        "integration_accounts_without_admin",
        "No integration account is an administrator",
        NoRows(
            "integration accounts with the role admin",
            _integration_admins,
            {**_ROLES, "sys_user": ("sys_id", "internal_integration_user")},
            repair=("Give each account a role with the rights that its integration uses, then take admin away.",),
        ),
        scan("Recommend", "SE10444"),
        why="Whoever gets hold of its credentials owns the instance.",
        impact="Calls that rested on admin fail until a narrower role allows them.",
    ),
    _account(
        "D7",
        "default_admin_account_inactive",
        "The account admin is inactive and holds no role",
        NoRows(
            "accounts named admin that are active or hold roles",
            _default_admin,
            {**_ROLES, "sys_user": ("sys_id", "user_name", "active")},
            repair=("See that another administrator can log in, then take its roles and make it inactive.",),
        ),
        scan("Act", "SE10101"),
        why="Its name is known to everybody who guesses passwords.",
        impact="Nobody and no job can log in as admin any more.",
    ),
    _account(
        "D11",
        "no_active_alumni",
        "Former employees have no active account",
        NoRows(
            f"active users who hold {_ALUMNI}",
            _active_alumni,
            {**_ROLES, "sys_user": ("sys_id", "active")},
            repair=("Make each account inactive, or take the role where the person came back.",),
        ),
        scan("Recommend", "SE10460"),
        why="People who left can still log in.",
        impact="They can no longer open what is kept for former employees.",
    ),
    _account(
        "D12",
        "inactive_users_locked_out",
        "Inactive users are locked out",
        NoRows(
            "inactive users who are not locked out",
            lambda t: (u := t["sys_user"]).filter(off(u.active), off(u.locked_out)).select(uid=u.sys_id),
            {"sys_user": ("sys_id", "active", "locked_out")},
            repair=("In sys_user.list tick Locked out on each.",),
        ),
        unrated("ServiceNow Security Center metrics"),
        why="An account that is made active again by mistake can be used at once.",
        impact="Who comes back has to be unlocked as well.",
    ),
)
