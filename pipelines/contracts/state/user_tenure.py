"""How long each person has been known: learning periods are counted from here."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

D, S, T = Dtype.INT64, Dtype.STRING, Dtype.TIMESTAMP

TABLE = Table(
    name="state__user_tenure",
    title="How long people have been known",
    grain="one person as of the end of a day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("first_seen", T, "First successful activity; mail sent in is none", required=True, unit="UTC"),
        Field("last_seen", T, "Latest successful activity; mail sent in is none", required=True, unit="UTC"),
        Field("login_count", D, "Successful logins so far", required=True),
        Field("active_day_count", D, "Days with a successful activity", required=True, unit="days"),
        Field("last_login", T, "Latest successful login; null where none was seen", unit="UTC"),
    ),
)
