"""When people work, on which tables and with which programs: the memory behind a rare hour or table."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S, D, T = Dtype.STRING, Dtype.INT64, Dtype.TIMESTAMP

KINDS = ("hours", "table", "agent")

TABLE = Table(
    name="state__habit",
    title="Habits of people",
    grain="one habit of one person as of the end of a day",
    key=("user_uid", "kind", "value"),
    sort_by=("user_uid", "kind", "value"),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("department", S, "Department on the latest day", pii=Pii.PSEUDONYM),
        Field("kind", S, "What the habit is", required=True, one_of=KINDS),
        Field("value", S, "Three hours of a working day or weekend (UTC), table, or family of the client", required=True),
        Field("day_count", D, "Days on which it was shown", required=True, unit="days"),
        Field("last_seen", T, "Latest activity that showed it", required=True, unit="UTC"),
    ),
)  # fmt: skip
