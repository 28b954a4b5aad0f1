"""Accounts that have ended, or ended and came back: what `terminated_user_activity` holds a day's activities against."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, S, T = Dtype.BOOL, Dtype.STRING, Dtype.TIMESTAMP

TABLE = Table(
    name="state__departure",
    title="Accounts that ended or came back",
    grain="one account that is off, ended at the identity provider, or came back within 30 days, as of the end of a day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field(
            "off_since",
            T,
            "Switched off in the instance and still so: the time told, else the last change of the row",
            unit="UTC",
        ),
        Field("off_by", S, "Who switched it off; null where nobody tells", pii=Pii.IDENTIFIER),
        Field("locked_since", T, "Locked by somebody else and still so", unit="UTC"),
        Field("on_since", T, "Switched on again after having been off", unit="UTC"),
        Field("on_by", S, "Who switched it on again", pii=Pii.IDENTIFIER),
        Field("was_off_since", T, "Since when it had been off before that", unit="UTC"),
        Field(
            "is_regular_return",
            B,
            "It was switched on by whoever had switched it off, or by an integration account: as a rehire is",
        ),
        Field("directory_id", S, "Object id at the identity provider", pii=Pii.PSEUDONYM),
        Field(
            "disabled_since",
            T,
            "First sight of the unbroken run of snapshots in which the identity provider has it disabled: it was so by then",
            unit="UTC",
        ),
        Field("deleted_at", T, "Deleted at the identity provider and not restored", unit="UTC"),
        Field("left_at", T, "Leave date at the identity provider; may lie ahead", unit="UTC"),
    ),
)
