"""Who rules the instance and by which way, and accounts that should not be as they are."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, S, L, N = Dtype.BOOL, Dtype.STRING, Dtype.STRINGS, Dtype.INT64

TABLE = Table(
    name="out__access",
    title="Access of accounts",
    grain="one account, role that rules the instance and way to it on one day; accounts with a finding and no such role have one row",
    key=("user_uid", "role", "how", "entry_uid"),
    sort_by=("user_uid", "role", "how", "entry_uid"),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", S, "Login name", pii=Pii.IDENTIFIER),
        Field("role", S, "Role that rules the instance; empty where the account holds none of them", required=True),
        Field(
            "how",
            S,
            "direct: given to the account; group: through a group; contained: inside another role; empty without a role",
            required=True,
            one_of=("direct", "group", "contained", ""),
        ),
        Field(
            "entry_uid",
            S,
            "Role or group that the account has itself, where the way begins",
            required=True,
            pii=Pii.PSEUDONYM,
        ),
        Field("path", L, "The way from there to the role, as `group: name` and `role: name`; the shortest of several"),
        Field("is_active", B, "sys_user.active", required=True),
        Field("is_locked_out", B, "sys_user.locked_out", required=True),
        Field("is_service", B, "Integration account, or one that may use web services only", required=True),
        Field("is_external", B, "Holds snc_external, or is a customer contact", required=True),
        Field("internal_roles", L, "Roles of an external account beyond those that snc_external brings, sorted"),
        Field(
            "has_second_factor",
            B,
            "Completed an enrolment; null for services, where a directory asks for it, and where enrolments are unreadable",
        ),
        Field("is_never_used", B, "Never logged in", required=True),
        Field("idle_days", N, "Days since the last login; null where never", unit="days"),
        Field(
            "is_dormant",
            B,
            "A person's active account that was not used for 180 days, or never in its first 30",
            required=True,
        ),
        Field(
            "is_leaver",
            B,
            "Active, and the person left: alumni role, or disabled, deleted or past the leave date at the identity provider; "
            "null where nobody tells",
        ),
    ),
)
