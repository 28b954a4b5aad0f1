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


def number(column: ir.Value) -> ir.IntegerValue:
    """A whole number of the wire; null where the text is none."""
    return column.strip().try_cast("int64")


def day_of(column: ir.Value) -> ir.StringValue:
    """The day of a date-time as text, empty where there is none."""
    return column.fill_null("").strip().substr(0, 10)


#: What `is_bare` looks at.
RULE_COLUMNS = ("sys_id", "active", "advanced", "script", "condition", "security_attribute")


def is_bare(rule: ir.Table) -> ir.BooleanValue:
    """Nothing but its roles can refuse: no condition, no attribute, and no script that is run."""
    has_script = active(rule.advanced.fill_null("")) & ~blank(rule.script)
    return ~has_script & blank(rule.condition) & blank(rule.security_attribute)


#: What `people` looks at.
PERSON_COLUMNS = ("sys_id", "active", "web_service_access_only", "internal_integration_user")


def people(user: ir.Table) -> ir.Table:
    """Active accounts that a person logs in to."""
    return user.filter(active(user.active), off(user.web_service_access_only), off(user.internal_integration_user))
