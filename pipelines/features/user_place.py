"""The last firm and the last loose place of each person."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables
from pipelines.features.places import PLACE_COLUMNS, located


def build(tables: Tables, _day: date) -> ir.Table:
    """The later of today's last place and the one remembered."""
    today = located(tables["core__activity"])
    today = _latest(today.mutate(slot=ibis.ifelse(today.is_firm, "firm", "loose")))
    return _latest(today.union(tables["state__user_place__previous"].select("slot", *PLACE_COLUMNS)))


def _latest(places: ir.Table) -> ir.Table:
    newest = ibis.window(group_by=["user_uid", "slot"], order_by=[places.time.desc(), places.activity_uid.desc()])
    ranked = places.mutate(rank=ibis.row_number().over(newest))
    return ranked.filter(ranked.rank == 0).select("slot", *PLACE_COLUMNS)


FEATURE = Feature(
    table=contract("state__user_place"), reads=("core__activity", "state__user_place__previous"), build=build
)
