"""How accounts are logged in to: second factors, local passwords, services (D6, D9, D10, D17)."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import Counted, Every, NoRows, Undecided
from pipelines.posture.controls._declare import other, score, unrated
from pipelines.posture.controls._tables import PERSON_COLUMNS, active, blank, off, people
from pipelines.posture.core import Category, Source
from pipelines.posture.holders import HIGH_PRIVILEGE, ROLE_TABLES
from pipelines.posture.relations import Relations

_account = partial(other, Category.ACCOUNTS)
_METRIC = unrated("ServiceNow Security Center metrics")
_ROLES = {table: tuple(sorted(columns)) for table, columns in ROLE_TABLES.items()}
_FACTORS = {"user_multifactor_auth": ("user", "validated")}
_PERSON = (*PERSON_COLUMNS, "source")


def _without_factor(t: Relations, accounts: ir.Table) -> ir.Table:
    factor = t["user_multifactor_auth"]
    done = factor.filter(active(factor.validated)).select(account="user").distinct()
    return accounts.anti_join(done, accounts.sys_id == done.account)


def _rulers_without_factor(t: Relations) -> ir.Table:
    holders = t.role_holders
    high = holders.filter(holders.role.isin(HIGH_PRIVILEGE)).select("user_uid").distinct()
    accounts = people(t["sys_user"])
    return _without_factor(t, accounts.semi_join(high, accounts.sys_id == high.user_uid))


def _from_directory(t: Relations) -> ir.Table:
    """Their second factor, if any, is asked for by the directory or its identity provider."""
    found = _rulers_without_factor(t)
    return found.filter(~blank(found.source)).select(uid="sys_id")


def _local(t: Relations) -> ir.Table:
    found = _rulers_without_factor(t)
    return found.filter(blank(found.source)).select(uid="sys_id")


def _bypassing(t: Relations) -> ir.Table:
    """Asked for a second factor, by the account's own switch or an enrolment that was begun, and none completed."""
    accounts = people(t["sys_user"])
    local = _without_factor(t, accounts.filter(blank(accounts.source)))
    begun = t["user_multifactor_auth"].select(account="user").distinct()
    by_switch = local.filter(active(local.enable_multifactor_authn)).select(uid="sys_id")
    return by_switch.union(local.semi_join(begun, local.sys_id == begun.account).select(uid="sys_id"))


CONTROLS = (
    # Security Center also counts people who use an API with their password. Which table keeps that is not published; the
    # policies that watch integration logins see it in the event log.
    _account(
        "D6",
        "integration_accounts_web_services_only",
        "Integration accounts may use web services and nothing else",
        NoRows(
            "active integration accounts that may also log in to the pages",
            lambda t: (
                (u := t["sys_user"])
                .filter(active(u.active), active(u.internal_integration_user), off(u.web_service_access_only))
                .select(uid=u.sys_id)
            ),
            {"sys_user": ("sys_id", "active", "internal_integration_user", "web_service_access_only")},
            repair=("In sys_user.list tick Web service access only on each.",),
        ),
        _METRIC,
        why="Whoever has its password can otherwise work in the pages as if he were a person.",
        impact="Nobody can log in to the pages with the account.",
    ),
    _account(
        "D9",
        "high_privileges_with_second_factor",
        "Everybody who rules the instance has a second factor",
        Every(
            (
                NoRows(
                    "people with a role that rules the instance, a local login and no second factor",
                    _local,
                    {**_ROLES, **_FACTORS, "sys_user": _PERSON},
                    unless=("user_multifactor_auth",),
                    repair=("Let each of them set up a second factor, or take the role away.",),
                ),
                Undecided(
                    "such people from a directory",
                    _from_directory,
                    {**_ROLES, **_FACTORS, "sys_user": _PERSON},
                    because="whether the directory or its identity provider asks for a second factor is not seen here",
                ),
            )
        ),
        _METRIC,
        why="One guessed or stolen password then opens the whole instance.",
        impact="They show a second factor at each login.",
    ),
    _account(
        "D10",
        "second_factor_not_bypassed",
        "Whoever is asked for a second factor has set one up",
        NoRows(
            "people with a local login who are asked for a second factor and have none",
            _bypassing,
            {**_FACTORS, "sys_user": (*_PERSON, "enable_multifactor_authn")},
            unless=("user_multifactor_auth",),
            repair=(
                "Set glide.authenticate.multifactor.setup.bypass.count to 0, so that the next login sets one up.",
                "Make accounts inactive that nobody uses.",
            ),
        ),
        _METRIC,
        why="Until it is set up the password alone is enough, for the person and for a thief.",
        impact="They set it up at their next login.",
    ),
    _account(
        "D17",
        "directory_accounts_without_local_password",
        "Accounts of a directory have no local password",
        Counted(
            "directory_account_with_password",
            "active accounts of a directory that have a local password too",
            at_most=0,
            repair=("Clear the password of each account that logs in through the directory.",),
        ),
        (score(4.2), Source("ServiceNow hardening settings")),
        why="With it the login page of the instance goes round the directory and its second factor.",
        impact="They can log in through the directory only, also while it is down.",
    ),
)
