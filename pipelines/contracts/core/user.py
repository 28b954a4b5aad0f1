"""An account as of the end of a day: what enrichment joins to an activity."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

TABLE = Table(
    name="core__user",
    title="Accounts as of the end of a day",
    grain="one account on one day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", Dtype.STRING, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", Dtype.STRING, "Login name", pii=Pii.IDENTIFIER),
        Field("email_domain", Dtype.STRING, "Registrable part after the @, lower case"),
        Field("is_active", Dtype.BOOL, "sys_user.active"),
        Field("is_locked_out", Dtype.BOOL, "sys_user.locked_out"),
        Field(
            "is_password_reset_due",
            Dtype.BOOL,
            "The password is to be changed, and no directory keeps it; null where a later snapshot alone is known",
            source="password_needs_reset, source",
        ),
        Field("is_integration", Dtype.BOOL, "Integration or web-service-only account"),
        Field(
            "is_external", Dtype.BOOL, "Holds snc_external or is a customer contact; null where roles are unreadable"
        ),
        Field(
            "is_privileged",
            Dtype.BOOL,
            "Holds admin, security_admin, impersonator or oauth_admin; null where unreadable",
        ),
        Field("department", Dtype.STRING, "Department", pii=Pii.PSEUDONYM),
        Field("manager_uid", Dtype.STRING, "Manager", pii=Pii.PSEUDONYM),
        Field("title", Dtype.STRING, "Job title", pii=Pii.CONTENT),
        Field("country", Dtype.STRING, "sys_user.country"),
        Field("time_zone", Dtype.STRING, "sys_user.time_zone"),
        Field("role_names", Dtype.STRINGS, "Names of roles held, sorted; null where roles are unreadable"),
        Field("group_uids", Dtype.STRINGS, "Groups, sorted; null where memberships are unreadable"),
        Field("created_at", Dtype.TIMESTAMP, "When the account was created", unit="UTC"),
        Field(
            "updated_at",
            Dtype.TIMESTAMP,
            "When the account's row was last changed; what it was before is unknown",
            unit="UTC",
        ),
        Field(
            "last_login_at",
            Dtype.TIMESTAMP,
            "Latest login before the day, by the platform; null where never, or only a later one is known",
            unit="UTC",
            source="last_login_time",
        ),
        Field(
            "profile_source",
            Dtype.STRING,
            "observed on the day, or reconstructed from a later snapshot",
            one_of=("observed", "reconstructed"),
        ),
    ),
)
