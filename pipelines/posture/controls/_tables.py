"""Rows that several recommendations ask for, and how the wire writes a switch."""

from __future__ import annotations

import ibis.expr.types as ir

from pipelines.posture.checks import SomeRows

_ROLE_CRITERION = "d427668b73003300fdbd04fbc4f6a7b6"  # the role criterion that ships with the platform
_ENFORCEMENT_POLICY = "653209367f730210674d91fadc8665d3"  # Enforce MFA for non-SSO logins, from Yokohama on


def active(column: ir.Value) -> ir.BooleanValue:
    """Whether a switch of the source is on: the Table API writes true, an import may have left 1."""
    return column.lower().isin(["true", "1"])


def role_criterion() -> SomeRows:
    """Multi-factor authentication by role: the criterion that ships with the platform is active."""
    return SomeRows(
        "active role criterion for MFA",
        lambda t: (
            (c := t["multi_factor_criteria"]).filter(c.sys_id == _ROLE_CRITERION, active(c.active)).select(uid=c.sys_id)
        ),
        {"multi_factor_criteria": ("sys_id", "active")},
        repair=("In multi_factor_criteria.list activate the criterion for roles.",),
    )


def enforcement_policy() -> SomeRows:
    """Multi-factor authentication for whoever logs in with a password: the policy that comes with Yokohama is active."""
    return SomeRows(
        "active policy Enforce MFA for non-SSO logins",
        lambda t: (
            (p := t["sys_authentication_policy"])
            .filter((p.sys_id == _ENFORCEMENT_POLICY) | (p.name == "Enforce MFA for non-SSO logins"), active(p.active))
            .select(uid=p.sys_id)
        ),
        {"sys_authentication_policy": ("sys_id", "name", "active")},
        repair=("In sys_authentication_policy.list activate the policy Enforce MFA for non-SSO logins.",),
    )


def off(column: ir.Value) -> ir.BooleanValue:
    """Whether a switch is not on, which an empty one is not."""
    return ~active(column.fill_null(""))


def blank(column: ir.Value) -> ir.BooleanValue:
    return column.fill_null("").strip() == ""
