"""Whether accounts are used, and what is left of logins that failed (D13-D16)."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import Every, NoRows, Undecided
from pipelines.posture.controls._declare import found_by, other, unrated
from pipelines.posture.controls._tables import PERSON_COLUMNS, active, day_of, number, people
from pipelines.posture.core import Category
from pipelines.posture.holders import ROLE_TABLES
from pipelines.posture.relations import Relations

_account = partial(other, Category.ACCOUNTS)
_CLOUDFLARE = "Cloudflare CASB findings for ServiceNow"
_ROLES = {table: tuple(sorted(columns)) for table, columns in ROLE_TABLES.items()}
_PERSON = (*PERSON_COLUMNS, "last_login_time", "sys_created_on")

ASLEEP_DAYS = 180  # the middle of the vendor's three steps (30, 180, 365): longer than any leave of absence
_NEW_DAYS = 30  # a new account may wait that long for its first login
_RESET_DAYS = 7
_FAILED = 3


def _asleep(t: Relations) -> ir.Table:
    found = people(t["sys_user"])
    last, created = day_of(found.last_login_time), day_of(found.sys_created_on)
    never = (last == "") & (created <= t.days_ago(_NEW_DAYS))
    return found.filter(never | ((last != "") & (last <= t.days_ago(ASLEEP_DAYS)))).select(uid="sys_id")


def _pending(t: Relations) -> ir.Table:
    user = t["sys_user"]
    return user.filter(active(user.active), active(user.password_needs_reset))


def _long_pending(t: Relations) -> ir.Table:
    """Nothing of the account changed for a week, so the mark is at least as old."""
    found = _pending(t)
    changed = day_of(found.sys_updated_on)
    return found.filter(changed != "", changed <= t.days_ago(_RESET_DAYS)).select(uid="sys_id")


def _perhaps_long_pending(t: Relations) -> ir.Table:
    """The account is older than a week and was changed since: when the mark was set is not kept."""
    found = _pending(t)
    changed, created = day_of(found.sys_updated_on), day_of(found.sys_created_on)
    is_recent = (changed == "") | (changed > t.days_ago(_RESET_DAYS))
    return found.filter(is_recent, created <= t.days_ago(_RESET_DAYS)).select(uid="sys_id")


def _locked_or_failing(t: Relations) -> ir.Table:
    user = t["sys_user"]
    failed = number(user.failed_attempts.fill_null("")).fill_null(0) >= _FAILED
    return user.filter(active(user.active), active(user.locked_out) | failed).select(uid="sys_id")


def _idle_without_role(t: Relations) -> ir.Table:
    found = people(t["sys_user"])
    holders = t.role_holders.select("user_uid").distinct()
    idle = found.filter(
        day_of(found.last_login_time) <= t.days_ago(ASLEEP_DAYS),
        day_of(found.sys_created_on) <= t.days_ago(_NEW_DAYS),
    )
    return idle.anti_join(holders, idle.sys_id == holders.user_uid).select(uid="sys_id")


CONTROLS = (
    _account(
        "D13",
        "accounts_in_use",
        f"Every person's account was used within {ASLEEP_DAYS} days",
        NoRows(
            f"active accounts of people that were never used, or not for {ASLEEP_DAYS} days",
            _asleep,
            {"sys_user": _PERSON},
            repair=(
                "Ask the manager of each, and make inactive what nobody claims; mart.access says how long it slept.",
            ),
        ),
        unrated("ServiceNow Security Center metrics"),
        why="Nobody notices when somebody else logs in to an account that its owner has forgotten.",
        impact="Whoever comes back asks for the account to be made active.",
    ),
    _account(
        "D14",
        "password_resets_done",
        f"No reset of a password is open for more than {_RESET_DAYS} days",
        Every(
            (
                NoRows(
                    f"active accounts whose password is to be reset since {_RESET_DAYS} days or longer",
                    _long_pending,
                    {"sys_user": ("sys_id", "active", "password_needs_reset", "sys_updated_on")},
                    repair=("Ask each person to log in and choose a password, or make the account inactive.",),
                ),
                Undecided(
                    "active accounts whose password is to be reset and that were changed since",
                    _perhaps_long_pending,
                    {"sys_user": ("sys_id", "active", "password_needs_reset", "sys_updated_on", "sys_created_on")},
                    because="when the reset was asked for is not kept",
                ),
            )
        ),
        found_by(_CLOUDFLARE, "High"),
        why="The password that was handed out stays valid, and more people than its owner know it.",
        impact="They choose a password at their next login.",
    ),
    _account(
        "D15",
        "no_locked_or_failing_accounts",
        "No active account is locked or fails to log in again and again",
        NoRows(
            f"active accounts that are locked or failed {_FAILED} times or more",
            _locked_or_failing,
            {"sys_user": ("sys_id", "active", "locked_out", "failed_attempts")},
            repair=("Ask each person whether it was him; change the password where it was not, then unlock.",),
        ),
        found_by(_CLOUDFLARE, "Medium"),
        why="It is what guessing passwords leaves behind, also where no single night shows it.",
        impact="Nothing changes for others.",
    ),
    _account(
        "D16",
        "accounts_without_role_in_use",
        "Accounts without a role are in use",
        NoRows(
            f"active accounts of people without a role that were not used for {ASLEEP_DAYS} days",
            _idle_without_role,
            {**_ROLES, "sys_user": _PERSON},
            unless=tuple(_ROLES),
            repair=("Make them inactive: nobody misses them.",),
        ),
        found_by(_CLOUDFLARE, "Low"),
        why="An account that is good for nothing is still a way in.",
        impact="Whoever comes back asks for the account to be made active.",
    ),
)
