"""How unlike the person's own days and the colleagues' a day was: what the anomaly models look at."""

from __future__ import annotations

from pipelines.contracts.state.user_profile import ACCOUNT_KINDS, ANCHORED, MEASURES
from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, warn

D, F, S = Dtype.INT64, Dtype.FLOAT64, Dtype.STRING
DISTANCES = "mean distances"
BITS = "bits"


def _number(name: str, description: str, unit: str = "") -> Field:
    return Field(name, F, description, required=True, unit=unit)


def _compared(name: str, counted: str) -> list[Field]:
    unit = "bytes" if name == "bytes_out" else ""
    return [
        _number(name, counted[0].upper() + counted[1:], unit),
        _number(f"{name}_over_own", f"Distance from the person's ordinary day: {counted}; 0 while learning", DISTANCES),
        _number(f"{name}_over_peers", f"Distance from the department's ordinary day: {counted}", DISTANCES),
    ]


#: Features of where, when and with what, beside the measures.
CONTEXT: tuple[Field, ...] = (
    _number("rare_hour_activities", "Activities in hours in which the person works on fewer than a tenth of days"),
    _number("rare_table_activities", "Activities on tables that the person touches on fewer than a twentieth of days"),
    _number("new_tables", "Tables that the person had not touched in 90 days"),
    _number("peer_new_tables", "Of these, tables that nobody in the department had touched"),
    _number("organisation_new_tables", "Of these, tables that nobody at all had touched"),
    _number("new_agents", "Client programs that the person had not used in 90 days"),
    _number("new_traits", "Countries, networks and devices that the person had not shown before"),
    _number("peer_new_traits", "Of these, those that nobody in the department had shown"),
    _number("organisation_new_traits", "Of these, those that nobody at all had shown"),
    _number("country_rarity", "How rare the rarest new country is in the organisation; 0 where none is new", BITS),
    _number("asn_rarity", "How rare the rarest new network is in the organisation; 0 where none is new", BITS),
    _number("device_rarity", "How rare the rarest new device is in the organisation; 0 where none is new", BITS),
    _number("travel_km", "Farthest activity from where the person was last", "km"),
    _number("listed_addresses", "Activities from an address on an anonymous or suspicious list"),
)

TABLE = Table(
    name="feat__user_day_profile",
    title="Days of people beside their ordinary days",
    grain="one person on one day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", S, "User name", pii=Pii.IDENTIFIER),
        Field("department", S, "Department on the day", pii=Pii.PSEUDONYM),
        Field("account_kind", S, "Kind of account", required=True, one_of=ACCOUNT_KINDS),
        Field("known_days", D, "Active days before this one", required=True, unit="days"),
        *(field for name, counted in MEASURES.items() for field in _compared(name, counted)),
        *(
            _number(
                f"{name}_over_year",
                f"Distance above the slow reference, a year deep: {MEASURES[name]}; 0 for 30 days",
                DISTANCES,
            )
            for name in ANCHORED
        ),
        *CONTEXT,
    ),
    checks=(warn(CheckKind.ROWS_LIKE_HISTORY),),
)
