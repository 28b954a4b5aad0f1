"""What each person and the whole organisation have shown before: the memory behind "first", "usual" and "uncommon"."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S, D, T = Dtype.STRING, Dtype.INT64, Dtype.TIMESTAMP

KINDS = ("country", "city", "asn", "network", "ip", "device")

TABLE = Table(
    name="state__seen",
    title="Traits seen so far",
    grain="one trait value of one person, or of the organisation, as of the end of a day",
    key=("user_uid", "kind", "value"),
    sort_by=("user_uid", "kind", "value"),
    fields=(
        Field("user_uid", S, "sys_user.sys_id, or * for the whole organisation", required=True, pii=Pii.PSEUDONYM),
        Field("kind", S, "What the trait is", required=True, one_of=KINDS),
        Field(
            "value",
            S,
            "Country code, country/city, AS number, AS number/country, address or device key",
            required=True,
            pii=Pii.IDENTIFIER,
        ),
        Field(
            "first_seen",
            T,
            "First successful activity that showed it, within what is remembered",
            required=True,
            unit="UTC",
        ),
        Field("last_seen", T, "Latest successful activity that showed it", required=True, unit="UTC"),
        Field("day_count", D, "Days on which it was shown", required=True, unit="days"),
        Field("user_count", D, "People who showed it in 30 days; 1 for a person", required=True),
    ),
)
