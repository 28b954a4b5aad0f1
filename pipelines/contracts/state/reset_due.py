"""Accounts whose password is to be changed: what `careless_handling` counts the days of use of."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

TABLE = Table(
    name="state__reset_due",
    title="Accounts whose password is to be changed",
    grain="one account that says at the end of the day that its password is to be changed",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", Dtype.STRING, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field(
            "due_since",
            Dtype.TIMESTAMP,
            "End of the first day that showed it: it was so by then",
            required=True,
            unit="UTC",
        ),
        Field(
            "used_days", Dtype.INT64, "Days after that one on which the password was used", required=True, unit="days"
        ),
    ),
)
