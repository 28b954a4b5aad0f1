"""Changes of place. Firm places are paired with firm ones only, so that a gateway in between hides no journey; pairs with
a loose end are kept as well, since whoever asks why nothing was raised must find them."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables, seconds
from pipelines.features.geography import kilometres
from pipelines.features.places import FIRM, PLACE_COLUMNS, located

_END = ("activity_uid", "time", "ip", "country", "city", "asn", "as_org", "device_key", "agent_kind", "egress")


def build(tables: Tables, _day: date) -> ir.Table:
    """Today's located activities, each beside the one before it; yesterday's last places stand before the first."""
    today = located(tables["core__activity"]).mutate(is_today=True)
    before = tables["state__user_place__previous"].select(*PLACE_COLUMNS)
    before = before.mutate(is_firm=before.egress.isin(FIRM), is_today=False)
    places = today.union(before)
    firm = _legs(places.filter(places.is_firm))
    loose = _legs(places)
    return firm.union(loose.filter(~(loose.from_egress.isin(FIRM) & loose.to_egress.isin(FIRM))))


def _legs(places: ir.Table) -> ir.Table:
    in_order = ibis.window(group_by="user_uid", order_by=["time", "activity_uid"])
    earlier = {f"from_{name}": places[_column(name)].lag().over(in_order) for name in (*_END, "latitude", "longitude")}
    paired = places.mutate(**earlier)
    moved = paired.filter(
        paired.is_today,
        paired.from_activity_uid.notnull(),
        (paired.from_city != paired.city) | (paired.from_country != paired.country),
    )
    return moved.select(
        "user_uid",
        "user_name",
        *(f"from_{name}" for name in _END),
        **{f"to_{name}": moved[_column(name)] for name in _END},
        seconds=seconds(moved.time) - seconds(moved.from_time),
        distance_km=kilometres(moved.from_latitude, moved.from_longitude, moved.latitude, moved.longitude),
    )


def _column(name: str) -> str:
    return "src_ip" if name == "ip" else name


FEATURE = Feature(
    table=contract("feat__travel_leg"), reads=("core__activity", "state__user_place__previous"), build=build
)
