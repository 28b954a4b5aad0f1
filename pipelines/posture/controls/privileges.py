"""Who rules the instance, and which roles bring that along (of D3-D20); closures of `pipelines.posture.holders`."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import NoRows
from pipelines.posture.controls._declare import other, scan, unrated
from pipelines.posture.controls._tables import active, blank
from pipelines.posture.core import Category
from pipelines.posture.holders import HIGH_PRIVILEGE, PART_TABLES, ROLE_TABLES
from pipelines.posture.relations import Relations

_account = partial(other, Category.ACCOUNTS)
_ROLES = {table: tuple(sorted(columns)) for table, columns in ROLE_TABLES.items()}
_PARTS = {table: tuple(sorted(columns)) for table, columns in PART_TABLES.items()}
_MOST = 10  # holders of one role, as the vendor's scan counts them


def _crowded(t: Relations) -> ir.Table:
    """Roles by their name: two roles of one name rule the same things."""
    user, holders = t["sys_user"], t.role_holders
    high = holders.filter(holders.role.isin(HIGH_PRIVILEGE)).select("user_uid", "role").distinct()
    living = user.filter(active(user.active)).select(account="sys_id")
    held = high.semi_join(living, high.user_uid == living.account)
    counts = held.group_by("role").agg(people=held.user_uid.nunique())
    return counts.filter(counts.people > _MOST).select(uid="role")


def _new_administrators(t: Relations) -> ir.Table:
    """Active accounts that have the role by any way and were no active administrator in the snapshot before."""
    user, holders, before = t["sys_user"], t.role_holders, t["posture_access_before"]
    admins = holders.filter(holders.role == "admin").select("user_uid").distinct()
    living = user.filter(active(user.active))
    known = before.filter(before.role == "admin").select(known_uid="user_uid").distinct()
    now = living.semi_join(admins, living.sys_id == admins.user_uid)
    return now.anti_join(known, now.sys_id == known.known_uid).select(uid="sys_id")


def _elevated_services(t: Relations) -> ir.Table:
    user, holders = t["sys_user"], t.role_holders
    high = holders.filter(holders.role.isin(HIGH_PRIVILEGE)).select("user_uid").distinct()
    services = user.filter(active(user.active), active(user.web_service_access_only))
    return services.semi_join(high, services.sys_id == high.user_uid).select(uid="sys_id")


def _rules_apart(name: ir.StringValue) -> ir.BooleanValue:
    """Administrators of HR, security incidents and campaigns: their data is kept from the administrators of the platform."""
    is_apart = name.startswith("sn_hr_") | name.startswith("sn_si.") | name.contains("campaign")
    return is_apart & name.endswith("admin")


def _contained(t: Relations) -> ir.Table:
    part = t.role_parts
    return part.filter(part.role == "admin", _rules_apart(part.part)).select(uid="part_uid")


def _assigned_from_outside(t: Relations) -> ir.Table:
    """HR roles that anybody or somebody outside HR may give; the column holds names on some releases, ids on others."""
    role = t["sys_user_role"]
    ours = role.filter(role.name.startswith("sn_hr_"))
    known = ours.select(key="name").union(ours.select(key="sys_id"))
    split = ours.mutate(entry=ours.assignable_by.fill_null("").split(",")).select("sys_id", "entry").unnest("entry")
    entries = split.mutate(entry=split.entry.strip())
    outside = (
        entries.anti_join(known, entries.entry == known.key).filter(lambda e: ~blank(e.entry)).select(uid="sys_id")
    )
    return outside.union(ours.filter(blank(ours.assignable_by)).select(uid="sys_id"))


CONTROLS = (
    _account(
        "D3",
        "few_holders_of_high_privileges",
        f"No role that rules the instance has more than {_MOST} holders",
        NoRows(
            f"roles that rule the instance with more than {_MOST} active holders",
            _crowded,
            {**_ROLES, "sys_user": ("sys_id", "active")},
            repair=(
                "See in mart.access who holds each role and by which way.",
                "Take it from whoever does not need it every day; give it to the others for the time of a task.",
            ),
        ),
        scan("Act", "SE10473"),
        why="Each further account is one more that opens everything when its password is lost.",
        impact="People ask for the role when a task needs it.",
    ),
    _account(
        "D5",
        "service_accounts_without_high_privileges",
        "No account for web services holds a role that rules the instance",
        NoRows(
            "active accounts for web services only with such a role",
            _elevated_services,
            {**_ROLES, "sys_user": ("sys_id", "active", "web_service_access_only")},
            repair=("Give each account a role with the rights that its calls use, then take the strong one away.",),
        ),
        scan("Suggest", "SE10461"),
        why="Such an account has no second factor, and its password lies in the settings of another system.",
        impact="Calls that rested on the strong role fail until a narrower role allows them.",
    ),
    _account(
        "D18",
        "new_administrators_approved",
        "Nobody became an administrator since the snapshot before",
        NoRows(
            "active administrators that the snapshot before did not have",
            _new_administrators,
            {**_ROLES, "sys_user": ("sys_id", "active"), "posture_access_before": ("user_uid", "role")},
            repair=(
                "Ask who approved each of them; mart.access says by which way the role reached the account.",
                "Take the role away where nobody did; file an exception for a week of planned changes.",
            ),
        ),
        unrated("ServiceNow Security Center metrics"),
        why="Giving oneself the role is how an intruder stays.",
        impact="Whoever was not approved loses the role.",
    ),
    _account(
        "D19",
        "admin_without_departments_admins",
        "The role admin contains no administrator of HR, security incidents or campaigns",
        NoRows(
            "such roles contained in admin",
            _contained,
            _PARTS,
            repair=("In sys_user_role_contains.list delete the rows that bring the role into admin.",),
        ),
        scan("Act", "SE10447", "SE10448", "SE10449", "SE10463", "SE10478"),
        why="Every administrator of the platform would read cases that are kept from him on purpose.",
        impact="Administrators of the platform no longer see those cases unless the role is given to them by name.",
    ),
    _account(
        "D20",
        "hr_roles_assigned_by_hr",
        "Only roles of HR may assign roles of HR",
        NoRows(
            "roles of HR that others may assign",
            _assigned_from_outside,
            {"sys_user_role": ("sys_id", "name", "assignable_by")},
            repair=("Open each role and set Assignable by to the administrator role of HR that it shipped with.",),
        ),
        scan("", "SE10434", "SE10435"),
        why="Whoever may assign the role can give it to himself and read the cases of everybody.",
        impact="Administrators of users no longer give roles of HR.",
    ),
)
