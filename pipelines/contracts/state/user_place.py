"""Where each person was last, so that the first activity of a new day has something to travel from."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

B, D, F, S, T = Dtype.BOOL, Dtype.INT64, Dtype.FLOAT64, Dtype.STRING, Dtype.TIMESTAMP

TABLE = Table(
    name="state__user_place",
    title="Last known places of people",
    grain="one person's last place of one kind as of the end of a day",
    key=("user_uid", "slot"),
    sort_by=("user_uid", "slot"),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("slot", S, "firm: where the person is; loose: egress that says nothing of the person's place", required=True,
              one_of=("firm", "loose")),
        Field("user_name", S, "User name", pii=Pii.IDENTIFIER),
        Field("activity_uid", S, "The last activity from there", required=True),
        Field("time", T, "When", required=True, unit="UTC"),
        Field("src_ip", S, "Address", pii=Pii.IDENTIFIER),
        Field("country", S, "ISO 3166-1 alpha-2 code", required=True),
        Field("city", S, "City", required=True),
        Field("latitude", F, "Of the city", required=True, unit="degrees"),
        Field("longitude", F, "Of the city", required=True, unit="degrees"),
        Field("asn", D, "Autonomous system number"),
        Field("as_org", S, "Organisation of that autonomous system"),
        Field("device_key", S, "Device"),
        Field("agent_kind", S, "What kind of client"),
        Field("egress", S, "What the address stands for", required=True),
    ),
)  # fmt: skip
