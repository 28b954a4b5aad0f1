"""Derive activities, accounts and identities for every day whose raw rows, lists or location data changed."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from pipelines import conform as deriving
from pipelines.contracts import contract, registry, sources
from pipelines.contracts.table import Table
from pipelines.enrich import Enricher
from pipelines.lake import Lease
from pipelines.steps.night import Night, StepRow, revision_of, timed
from pipelines.steps.validate import judge
from pipelines.window import DAY, days_between

ACTIVITY, USER, IDENTITY = "core__activity", "core__user", "core__identity"
DIRECTORY = ("raw_entra__user", "raw_entra__deleted_user")  # snapshots of the identity provider


def conform(night: Night, lease: Lease) -> list[StepRow]:
    """Write `core__user`, `core__identity` and `core__activity` for stale days, then judge them."""
    rows: list[StepRow] = []
    enricher = enricher_of(night)
    recent = night.first - timedelta(days=night.settings.look_back_days + 1)
    for day in night.landed_days():
        before = _fingerprint(night, day, enricher)
        held = night.lake.partition(contract(ACTIVITY), night.instance, day)
        said, _, edge = held.inputs.partition(" ") if held else ("", "", "")
        if not night.asked_for(day) and said == before and (day < recent or edge == _edge(night, day)):
            continue
        rows += _conform_day(night, lease, day, f"{before} {_edge(night, day)}", enricher)
    judged, failures = judge(night, lease, [contract(ACTIVITY), contract(USER), contract(IDENTITY)], "conform")
    if failures:
        raise failures[0]
    return [*rows, *judged]


def _edge(night: Night, day: date) -> str:
    """What of the day after midnight belongs to actions before it: all that a later day can change of this one."""
    if day >= night.last:
        return ""
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as con:
        for name, (_, after) in deriving.REQUIRED.items():
            if after:
                night.lake.view(con, registry()[name], night.instance, [day, day + DAY], name=name)
        return deriving.edge(con, day)


def enricher_of(night: Night) -> Enricher:
    settings = night.settings
    return Enricher(
        geo_db=settings.geo_db,
        asn_db=settings.asn_db,
        ip_lists=settings.ip_lists,
        look_back=timedelta(days=settings.ip_list_look_back_days),
    )


def _conform_day(night: Night, lease: Lease, day: date, inputs: str, enricher: Enricher) -> list[StepRow]:
    rows = []
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as con, timed() as spent:
        for table, days in _days_to_read(night, day).items():
            _view_without_quarantine(night, con, table, days)
            if table.time_column == "" and days:
                before = night.latest_before(table, days[0])
                if before:
                    night.lake.view(con, table, night.instance, before, name=f"{table.name}__previous")
        users = night.lake.replace(
            lease, contract(USER), night.instance, day, deriving.users(con, night.instance, day), inputs=inputs
        )
        night.lake.view(con, contract(USER), night.instance, [day], name=USER)
        rows += _identities(night, lease, day, con, inputs)
        derived = deriving.activities(con, night.instance, day, own_user_names=own_names(night))
        enriched = enricher.apply(con, derived)
        part = night.lake.replace(lease, contract(ACTIVITY), night.instance, day, enriched, inputs=inputs)
    for name, written in ((USER, users), (ACTIVITY, part)):
        state = "ok" if written.changed else "unchanged"
        rows.append(StepRow("conform", name, day, state, written.rows, spent[0] if name == ACTIVITY else 0.0))
    return rows


def _identities(night: Night, lease: Lease, day: date, con: duckdb.DuckDBPyConnection, inputs: str) -> list[StepRow]:
    """Write `core__identity` where the identity provider was ever read; says how many accounts it does not know."""
    if not any(night.lake.days(contract(name), night.instance) for name in DIRECTORY):
        return []
    told = deriving.identities(con, night.instance, day)
    part = night.lake.replace(lease, contract(IDENTITY), night.instance, day, told, inputs=inputs)
    night.lake.view(con, contract(IDENTITY), night.instance, [day], name=IDENTITY)
    states = con.execute(f"SELECT match_state, count(*) FROM {IDENTITY} GROUP BY 1 ORDER BY 1").fetchall()
    message = ", ".join(f"{count:,} {state}" for state, count in states)
    return [StepRow("conform", IDENTITY, day, "ok" if part.changed else "unchanged", part.rows, message=message)]


def own_names(night: Night) -> tuple[str, ...]:
    """Accounts of this product: their activity is marked and never alerts."""
    return (night.settings.username,) if night.settings.username else ()


def _days_to_read(night: Night, day: date) -> dict[Table, list[date]]:
    """Context days around `day` for logs; the snapshot nearest after the day for slow tables."""
    found: dict[Table, list[date]] = {}
    for name, (before, after) in deriving.REQUIRED.items():
        table = registry()[name]
        found[table] = days_between(day - before * DAY, min(day + after * DAY, night.last))
    snapshots = [t for t in sources().values() if t.source is not None and t.source.mode == "snapshot"]
    for table in (*snapshots, *(contract(name) for name in DIRECTORY)):
        found[table] = snapshot_day(night, table, day)
    return found


def snapshot_day(night: Night, table: Table, day: date) -> list[date]:
    """The snapshot taken on the day, else the next one after it (state is then reconstructed), else the last before."""
    held = [d for d in night.lake.days(table, night.instance) if d <= night.last]
    later = [d for d in held if d >= day]
    return later[:1] or held[-1:]


def _view_without_quarantine(night: Night, con: duckdb.DuckDBPyConnection, table: Table, days: list[date]) -> None:
    """The raw view less the rows that validation set aside."""
    quarantine = contract("out__quarantine")
    refused = [
        d for d, rows in night.lake.ledger.rows_by_day(night.instance, quarantine.name).items() if rows and d in days
    ]
    if not refused:
        night.lake.view(con, table, night.instance, days, name=table.name)
        return
    from pipelines.quality import accept

    night.lake.view(con, quarantine, night.instance, refused, name="set_aside")
    night.lake.view(con, table, night.instance, days, name=f"{table.name}__all")
    accept(con, table, f"{table.name}__all", "set_aside", table.name)


def _fingerprint(night: Night, day: date, enricher: Enricher) -> str:
    """Everything up to the day's end that decides its activities."""
    parts = [
        night.lake.fingerprint([table], night.instance, [d for d in days if d <= day or table.time_column == ""])
        for table, days in _days_to_read(night, day).items()
    ]
    quarantine = night.lake.fingerprint([contract("out__quarantine")], night.instance, [day])
    shapes = [contract(name).columns for name in (ACTIVITY, USER)]  # rows of an older shape are derived again
    return revision_of(parts, quarantine, enricher.revision_of(day), own_names(night), shapes)
