"""Who an account is at the identity provider, as of the end of a day."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, S, T = Dtype.BOOL, Dtype.STRING, Dtype.TIMESTAMP

MATCHED_BY = ("user name is sign-in name", "mail is sign-in name", "mail is mail", "user name is on-premises name")

TABLE = Table(
    name="core__identity",
    title="Accounts at the identity provider",
    grain="one account of the instance on one day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", S, "Login name in the instance", pii=Pii.IDENTIFIER),
        Field(
            "match_state",
            S,
            "Whether the directory knows the account; ambiguous where several could be meant: then nothing is said of it",
            required=True,
            one_of=("matched", "ambiguous", "unmatched"),
        ),
        Field("matched_by", S, "What they have in common, ignoring case", one_of=MATCHED_BY),
        Field("directory_id", S, "Object id in the directory", pii=Pii.PSEUDONYM),
        Field("principal_name", S, "Sign-in name in the directory", pii=Pii.IDENTIFIER),
        Field("is_enabled", B, "Signing in is allowed; null where the snapshot was taken after the day"),
        Field("is_deleted", B, "Deleted and not restored"),
        Field("deleted_at", T, "When it was deleted; the first snapshot without it where nobody tells", unit="UTC"),
        Field("leave_at", T, "When the person left or leaves; null where that may not be read", unit="UTC"),
        Field("seen_at", T, "When the directory was read, rounded up to the hour", required=True, unit="UTC"),
        Field(
            "profile_source",
            S,
            "The snapshot is of the day, or a later one, or the last before",
            required=True,
            one_of=("observed", "reconstructed", "carried"),
        ),
    ),
)
