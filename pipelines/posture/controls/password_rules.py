"""Authentication: what the password policies ask of a password (31)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.posture.checks import NoRows
from pipelines.posture.controls._declare import setting
from pipelines.posture.controls._tables import active
from pipelines.posture.core import Category, Release
from pipelines.posture.relations import Relations

_SHORTEST, _LONGEST = 15, 64  # characters
_FALLBACK_SHORTEST, _FALLBACK_LONGEST = 8, 100  # where the policy leaves a length empty

# The names of the columns are those of the forms; the vendor's pages do not spell them. A column that the instance does not
# have makes this one unknown, and nothing else.
_STORES = ("sys_id", "enable_password_policy", "password_policy")
_POLICIES = ("sys_id", "min_password_length", "max_password_length")


def _length(column: ir.Column, fallback: int) -> ir.Value:
    return column.nullif("").try_cast("int64").fill_null(fallback)


def weak_stores(t: Relations) -> ir.Table:
    """Credential stores without a policy, or with one that asks for less."""
    stores, policies = t["pwd_cred_store"], t["password_policy"]
    strong = policies.filter(
        _length(policies.min_password_length, _FALLBACK_SHORTEST) >= _SHORTEST,
        _length(policies.max_password_length, _FALLBACK_LONGEST) >= _LONGEST,
    ).select(policy=policies.sys_id)
    judged = stores.left_join(strong, stores.password_policy == strong.policy)
    enforced = active(ibis.coalesce(judged.enable_password_policy, ""))
    return judged.filter(~enforced | judged.policy.isnull()).select(uid=judged.sys_id)


CONTROLS = (
    setting(
        Category.AUTHENTICATION,
        "31",
        "password_length_enforced",
        "Passwords have at least fifteen characters and may have sixty-four",
        NoRows(
            "password credential stores without a policy of that length",
            weak_stores,
            {"pwd_cred_store": _STORES, "password_policy": _POLICIES},
            unless=("password_policy",),
            repair=(
                "In pwd_cred_store.list tick Enable password policy on every store.",
                "In the password policy of each set the minimum length to 15 and the maximum to 64 or more.",
            ),
        ),
        5.9,
        "sc-set-minimal-password-length",
        why="Short passwords can be guessed, and the platform asks for eight characters only.",
        impact="People choose longer passwords at their next change.",
        release=Release(until=5.0, again=6.0),
        frameworks={"NIST SP": ("800-63B",)},  # the page derives both lengths from it
    ),
)
