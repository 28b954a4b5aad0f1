"""What people have shown before, carried on by one day. A failed attempt teaches nothing, nor does a gateway a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.features.core import Feature, Tables
from pipelines.features.places import at_firm_place, has, succeeded

ORGANISATION = "*"
COMMON_DAYS = 30

#: Days after which a trait that nobody showed is forgotten. Addresses are many and change; countries are few.
KEPT_DAYS: Mapping[str, int] = {"country": 180, "city": 90, "asn": 90, "network": 90, "device": 90, "ip": 30}

_KEY = ("user_uid", "kind", "value")


def traits(activity: ir.Table, *by: str) -> ir.Table:
    """Each trait that each person showed in successful activities: `user_uid`, `kind`, `value`, `first_seen`, `last_seen`;
    and by further columns of the activity, as the session it was shown in."""
    shown = activity.filter(succeeded(activity), activity.src_ip.notnull() | activity.device_key.notnull())
    is_place = at_firm_place(shown)
    # a rented server is in no country of its network
    is_line = is_place & (has(shown, "corporate") | ~has(shown, "hosting"))
    contexts = shown.group_by(
        *by,
        user_uid=shown.actor_user_uid,
        country=is_place.ifelse(shown.country, ibis.null("string")),
        city=is_place.ifelse(shown.country + "/" + shown.city, ibis.null("string")),
        asn=shown.asn,
        network=is_line.ifelse(shown.asn.cast("string") + "/" + shown.country, ibis.null("string")),
        ip=shown.src_ip,
        device=shown.device_key,
    ).agg(first_seen=shown.time.min(), last_seen=shown.time.max())
    return ibis.union(*(_trait(contexts, kind, by) for kind in KEPT_DAYS))


def _trait(contexts: ir.Table, kind: str, by: Sequence[str]) -> ir.Table:
    shown = contexts.filter(contexts[kind].notnull())
    return shown.group_by(*by, user_uid=shown.user_uid, kind=ibis.literal(kind), value=shown[kind].cast("string")).agg(
        first_seen=shown.first_seen.min(), last_seen=shown.last_seen.max()
    )


def build(tables: Tables, day: date) -> ir.Table:
    """Yesterday's memory and today's traits; the organisation's rows count the people behind them."""
    today = traits(tables["core__activity"]).mutate(day_count=ibis.literal(1, "int64"))
    before = tables["state__seen__previous"].select(*today.columns)
    people = _kept(_merged(before.filter(before.user_uid != ORGANISATION), today), day)
    everyone = today.group_by("kind", "value").agg(
        first_seen=today.first_seen.min(), last_seen=today.last_seen.max(), day_count=ibis.literal(1, "int64")
    )
    everyone = everyone.mutate(user_uid=ibis.literal(ORGANISATION)).select(*today.columns)
    organisation = _kept(_merged(before.filter(before.user_uid == ORGANISATION), everyone), day)
    return people.mutate(user_count=ibis.literal(1, "int64")).union(_counted(organisation, people, day))


def _merged(before: ir.Table, today: ir.Table) -> ir.Table:
    both = before.union(today)
    return both.group_by(*_KEY).agg(
        first_seen=both.first_seen.min(), last_seen=both.last_seen.max(), day_count=both.day_count.sum()
    )


def _kept(seen: ir.Table, day: date) -> ir.Table:
    alive = [
        (seen.kind == kind) & (seen.last_seen >= _midnight(day - timedelta(days=days)))
        for kind, days in KEPT_DAYS.items()
    ]
    return seen.filter(ibis.or_(*alive))


def _counted(organisation: ir.Table, people: ir.Table, day: date) -> ir.Table:
    recent = people.filter(people.last_seen >= _midnight(day - timedelta(days=COMMON_DAYS)))
    shown_by = recent.group_by("kind", "value").agg(user_count=recent.count())
    counted = organisation.left_join(shown_by, ["kind", "value"])
    return counted.select(*organisation.columns, user_count=counted.user_count.fill_null(0))


def _midnight(day: date) -> ir.TimestampScalar:
    return ibis.literal(f"{day.isoformat()} 00:00:00").cast("timestamp(6)")


FEATURE = Feature(table=contract("state__seen"), reads=("core__activity", "state__seen__previous"), build=build)
