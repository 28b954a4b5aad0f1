"""How unlike the person's own days and the colleagues' a day was. Everything usual is as of the end of the day before."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pipelines.contracts import contract
from pipelines.contracts.feat.user_day_profile import CONTEXT
from pipelines.contracts.state.user_profile import ANCHORED, MEASURES
from pipelines.features.core import Feature, Tables
from pipelines.features.day_measures import habits, measured, of_people, size
from pipelines.features.geography import kilometres
from pipelines.features.places import has, located, succeeded
from pipelines.features.seen import ORGANISATION, traits
from pipelines.features.user_day import LISTED
from pipelines.features.user_profile import LEARNING_DAYS, LEAST_SPREAD, MEMORY_DAYS

DAYS_TO_TRUST = 10  # active days after which a person's own days count as much as the colleagues'
FARTHEST = 20.0  # distances beyond which a day is not called stranger still
RARE_HOURS, RARE_TABLE = 0.10, 0.05  # shares of the person's days
KINDS = ("country", "asn", "device")


def build(tables: Tables, _day: date) -> ir.Table:
    """Counts, their distances from what is ordinary, and what is rare about where, when and with what."""
    profiles = tables["state__user_profile__previous"]
    people = _compared(measured(tables["core__activity"]), profiles)
    known = profiles.select("user_uid", "department", "day_count")
    facts = (
        _of_habits(habits(tables["core__activity"]), tables["state__habit__previous"], known),
        _of_traits(traits(tables["core__activity"]), tables["state__seen__previous"], known),
        _travelled(located(tables["core__activity"]), tables["state__user_place__previous"]),
        _listed(tables["core__activity"]),
    )
    for found in facts:
        people = people.left_join(found, "user_uid").select(
            *people.columns, *(name for name in found.columns if name != "user_uid")
        )
    return people.mutate(**{field.name: people[field.name].cast("float64").fill_null(0.0) for field in CONTEXT})


def _compared(today: ir.Table, profiles: ir.Table) -> ir.Table:
    own = profiles.drop("instance", "event_date", "department", "account_kind", "last_seen")
    joined = today.left_join(own, "user_uid").select(*today.columns, *(c for c in own.columns if c != "user_uid"))
    peers = _peers(profiles)
    joined = joined.left_join(peers, "department").select(
        *joined.columns, *(c for c in peers.columns if c != "department")
    )
    everyone = _everyone(profiles)
    joined = joined.mutate(_all=ibis.literal(ORGANISATION)).left_join(everyone, "_all")
    days = joined.day_count.fill_null(0)
    trust = days / (days + DAYS_TO_TRUST)
    distances: dict[str, ir.Value] = {}
    for name in MEASURES:
        today_size, own_center, own_spread = size(joined, name), joined[f"{name}_center"], joined[f"{name}_spread"]
        center = ibis.coalesce(joined[f"{name}_peer_center"], joined[f"{name}_all_center"])
        within = ibis.coalesce(joined[f"{name}_peer_spread"], joined[f"{name}_all_spread"])
        between = ibis.coalesce(joined[f"{name}_peer_between"], joined[f"{name}_all_between"])
        usual = trust * own_center + (1 - trust) * center
        spread = trust * own_spread + (1 - trust) * within
        known = (days >= LEARNING_DAYS) & center.notnull()
        distances[f"{name}_over_own"] = _distance(today_size - usual, spread, known)
        distances[f"{name}_over_peers"] = _distance(today_size - center, within + between, center.notnull())
        if name in ANCHORED:
            above = today_size - joined[f"{name}_anchor"]
            distances[f"{name}_over_year"] = _distance(above, spread, known & (days >= MEMORY_DAYS))
    return joined.select(
        "user_uid", "user_name", "department", "account_kind", known_days=days,
        **{name: joined[name].cast("float64") for name in MEASURES}, **distances,
    )  # fmt: skip


def _distance(differs: ir.Value, spread: ir.Value, known: ir.BooleanValue) -> ir.Value:
    """In mean distances, bounded; nought where nothing is known yet."""
    far = differs / ibis.greatest(spread, LEAST_SPREAD)
    bounded = ibis.greatest(ibis.least(far, FARTHEST), -FARTHEST).round(4)
    return ibis.ifelse(known, bounded, 0.0).fill_null(0.0)


def _peers(profiles: ir.Table) -> ir.Table:
    """What is ordinary in each department: the mean of its people's ordinary days, and how far its people's days stray."""
    of_people_known = profiles.filter(profiles.department.notnull(), profiles.account_kind != "integration")
    grouped = of_people_known.group_by("department").agg(**_means(of_people_known, "peer"), _members=ibis._.count())
    return grouped.filter(grouped["_members"] >= LEARNING_DAYS).drop("_members")


def _everyone(profiles: ir.Table) -> ir.Table:
    people = profiles.filter(profiles.account_kind != "integration").mutate(_all=ibis.literal(ORGANISATION))
    return people.group_by("_all").agg(**_means(people, "all"))


def _means(people: ir.Table, into: str) -> dict[str, ir.Value]:
    """Centre of these people's ordinary days, how far a day of one of them strays, and how far they lie from each other."""
    found: dict[str, ir.Value] = {}
    for name in MEASURES:
        center, spread = people[f"{name}_center"], people[f"{name}_spread"]
        found[f"{name}_{into}_center"] = center.mean()
        found[f"{name}_{into}_spread"] = spread.mean()
        found[f"{name}_{into}_between"] = center.std(how="pop").fill_null(0.0)
    return found


def _of_habits(today: ir.Table, before: ir.Table, known: ir.Table) -> ir.Table:
    """Rare hours, new and rare tables, new programs; nought while the person is new."""
    own = before.select("user_uid", "kind", "value", own_days=before.day_count)
    in_department = before.filter(before.kind == "table").select("department", "kind", "value").distinct()
    in_department = in_department.mutate(in_department=True)
    anywhere = before.filter(before.kind == "table").select("kind", "value").distinct().mutate(anywhere=True)
    rows = today.inner_join(known.select("user_uid", "day_count"), "user_uid").select(*today.columns, "day_count")
    rows = rows.filter(rows.day_count >= LEARNING_DAYS)
    rows = rows.left_join(own, ["user_uid", "kind", "value"]).select(*rows.columns, "own_days")
    rows = rows.left_join(in_department, ["department", "kind", "value"]).select(*rows.columns, "in_department")
    rows = rows.left_join(anywhere, ["kind", "value"]).select(*rows.columns, "anywhere")
    share = rows.own_days.fill_null(0) / rows.day_count.cast("float64")
    is_table, is_new = rows.kind == "table", rows.own_days.isnull()
    return rows.group_by("user_uid").agg(
        rare_hour_activities=rows.times.sum(where=(rows.kind == "hours") & (share < RARE_HOURS)),
        rare_table_activities=rows.times.sum(where=is_table & (share < RARE_TABLE)),
        new_tables=(is_table & is_new).sum(),
        peer_new_tables=(is_table & is_new & rows.in_department.isnull()).sum(),
        organisation_new_tables=(is_table & is_new & rows.anywhere.isnull()).sum(),
        new_agents=((rows.kind == "agent") & is_new).sum(),
    )


def _of_traits(today: ir.Table, seen: ir.Table, known: ir.Table) -> ir.Table:
    """Countries, networks and devices that are new for the person; how rare they are among the others."""
    mine = seen.filter(seen.user_uid != ORGANISATION, seen.kind.isin(KINDS))
    new = today.filter(today.kind.isin(KINDS)).anti_join(mine, ["user_uid", "kind", "value"])
    new = new.inner_join(known, "user_uid").select("user_uid", "kind", "value", "department")
    shown = mine.inner_join(known, "user_uid").select("department", "kind", "value").distinct().mutate(by_peers=True)
    rows = new.left_join(shown, ["department", "kind", "value"]).select(*new.columns, "by_peers")
    everywhere = seen.filter(seen.user_uid == ORGANISATION).select("kind", "value", "user_count")
    rows = rows.left_join(everywhere, ["kind", "value"]).select(*rows.columns, "user_count")
    rows = rows.mutate(_all=ibis.literal(ORGANISATION))
    total = known.mutate(_all=ibis.literal(ORGANISATION)).group_by("_all").agg(people=ibis._.count())
    rows = rows.left_join(total, "_all").select(*rows.columns, "people")
    bits = ((rows.people + 1.0) / (rows.user_count.fill_null(0) + 0.5)).ln() / 0.6931471805599453
    return rows.group_by("user_uid").agg(
        new_traits=rows.count(),
        peer_new_traits=rows.by_peers.isnull().sum(),
        organisation_new_traits=rows.user_count.isnull().sum(),
        **{f"{kind}_rarity": bits.max(where=rows.kind == kind).round(4) for kind in KINDS},
    )


def _travelled(today: ir.Table, before: ir.Table) -> ir.Table:
    """Kilometres between today's places and the last firm one."""
    last = before.filter(before.slot == "firm").select("user_uid", lat=before.latitude, lon=before.longitude)
    places = today.filter(today.is_firm)
    places = places.select("user_uid", "latitude", "longitude").distinct()
    both = places.inner_join(last, "user_uid").select(*places.columns, "lat", "lon")
    far = kilometres(both.lat, both.lon, both.latitude, both.longitude)
    return both.group_by("user_uid").agg(travel_km=far.max().round(0))


def _listed(activity: ir.Table) -> ir.Table:
    a = of_people(activity)
    rows = a.filter(succeeded(a), ibis.or_(*(has(a, name) for name in LISTED)))
    return rows.group_by(user_uid=rows.actor_user_uid).agg(listed_addresses=rows.count())


FEATURE = Feature(
    table=contract("feat__user_day_profile"),
    reads=(
        "core__activity",
        "state__habit__previous",
        "state__seen__previous",
        "state__user_place__previous",
        "state__user_profile__previous",
    ),
    build=build,
)
