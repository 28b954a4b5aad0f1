"""Changes of place between two consecutive located activities of a person: what impossible travel is judged by."""

from __future__ import annotations

from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, stop

D, F, S, T = Dtype.INT64, Dtype.FLOAT64, Dtype.STRING, Dtype.TIMESTAMP


def _end(prefix: str, which: str) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}_activity_uid", S, f"Activity at the {which} end", required=True),
        Field(f"{prefix}_time", T, f"Time of the {which} end", required=True, unit="UTC"),
        Field(f"{prefix}_ip", S, f"Address at the {which} end", pii=Pii.IDENTIFIER),
        Field(f"{prefix}_country", S, f"Country of the {which} end", required=True),
        Field(f"{prefix}_city", S, f"City of the {which} end", required=True),
        Field(f"{prefix}_asn", D, f"Autonomous system of the {which} end"),
        Field(f"{prefix}_as_org", S, f"Its organisation at the {which} end"),
        Field(f"{prefix}_device_key", S, f"Device at the {which} end"),
        Field(f"{prefix}_agent_kind", S, f"Kind of client at the {which} end"),
        Field(
            f"{prefix}_egress",
            S,
            f"What the address at the {which} end stands for (pipelines.features.places)",
            required=True,
        ),
    )


TABLE = Table(
    name="feat__travel_leg",
    title="Changes of place",
    grain="one change of city between two consecutive located activities of a person",
    key=("to_activity_uid", "from_activity_uid"),
    sort_by=("user_uid", "to_time", "to_activity_uid"),
    time_column="to_time",
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", S, "User name", pii=Pii.IDENTIFIER),
        *_end("from", "earlier"),
        *_end("to", "later"),
        Field("seconds", D, "Between the ends", required=True, unit="s"),
        Field("distance_km", F, "Great-circle distance of the two cities, one decimal", required=True, unit="km"),
    ),
    checks=(stop(CheckKind.TIME_IN_PARTITION, "to_time"),),
)
