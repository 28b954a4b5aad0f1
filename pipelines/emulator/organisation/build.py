"""From a seed to a world: ordinary life first, then scenarios, then the tables a server can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import polars as pl

from pipelines.emulator.organisation import (
    access_rules,
    configuration,
    export_log,
    habits,
    logins,
    machines,
    pages,
    paperwork,
    published,
    tables,
)
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.assemble import (
    Frames,
    assemble,
    departures_audit,
    scenario_rows,
    silence,
    still_true,
)
from pipelines.emulator.organisation.clock import epoch, midnight, moment
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.content import Contents
from pipelines.emulator.organisation.files import attachment_table, build_files
from pipelines.emulator.organisation.listings import background_listings
from pipelines.emulator.organisation.network import build_network
from pipelines.emulator.organisation.people import build_people
from pipelines.emulator.organisation.perform import perform
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.records import build_records, incident_table
from pipelines.emulator.organisation.scenarios import SCENES
from pipelines.emulator.organisation.script import Scene
from pipelines.emulator.organisation.sessions import build_sessions
from pipelines.emulator.organisation.streams import Streams
from pipelines.emulator.organisation.whereabouts import build_whereabouts
from pipelines.emulator.organisation.world import Change, World

LAST_DAY = date(2026, 10, 15)  # exclusive; the thirty days before hold a quarter end


def generate(
    seed: int = 1,
    users: int = 300,
    days: int = 30,
    before: int = 7,
    end: date | None = None,
    *,
    population: Population | None = None,
    scenes: Iterable[Scene] = SCENES,
) -> World:
    """An organisation of `users` people over `days` days and `before` more to warm up, ending at midnight UTC of `end`.

    Equal arguments give equal worlds; `scenes` may leave out attacks or look-alikes without touching the rest. At least 20 users; a scenario that finds too few people or days is left out.
    """
    last = end or LAST_DAY
    first = last - timedelta(days=days + before)
    company = build_company(population or Population(), Streams(seed), users, first, days + before)
    frames = Frames(list)
    ordinary = _ordinary_life(company, frames)
    acts = perform(company, scenes)
    scripts = [act.script for act in acts]
    departures = [departure for script in scripts for departure in script.departures]
    silence(company, departures, frames)
    for act in acts:
        scenario_rows(act, frames)
    departures_audit(company, frames)
    changes = [*still_true(company, departures, ordinary), *(change for script in scripts for change in script.changes)]
    bodies = company.files.bodies() | {sys_id: body for script in scripts for sys_id, body in script.bodies.items()}
    identities = [*habits.directory(company), *(change for script in scripts for change in script.directory)]
    listed = [line for script in scripts for line in script.listings]
    return World(
        seed=seed,
        start=midnight(first),
        end=midnight(last),
        tables=_as_logged(assemble(company, frames), changes, company),
        changes=tuple(sorted(changes, key=lambda change: (change.at, change.table, change.sys_id))),
        attachments=Contents(bodies),
        network=company.network.blocks,
        truth=_truth(company, acts),
        accounts=_accounts(company.streams),
        listings=(*listed, *background_listings(company)),
        directory=tuple(sorted(identities, key=lambda change: change.at)),
    )


def _as_logged(tables: dict[str, pl.DataFrame], changes: Iterable[Change], company: Company) -> dict[str, pl.DataFrame]:
    """An instance follows its settings: it records exports where its security product runs, and no impersonation once their
    logging is off."""
    if company.population.export_log:
        rows = export_log.export_events(tables["syslog_transaction"], tables["sys_user"], moment(company.end))
        tables = {**tables, export_log.TABLE: rows}
    switch = company.streams.sys_id("property", "glide.sys.log_impersonation")
    off = [c.at for c in changes if c.sys_id == switch and c.values and c.values.get("value") == "false"]
    if not off:
        return tables
    since = f"{min(off):%Y-%m-%d %H:%M:%S}"
    unwritten = pl.col("name").str.starts_with("impersonation.") & (pl.col("sys_created_on") > since)
    return {**tables, "sysevent": tables["sysevent"].filter(~unwritten)}


def build_company(population: Population, streams: Streams, users: int, first: date, days: int) -> Company:
    """Everything that is decided before the first request."""
    if users < 20 or days < 1:
        raise ValueError("An organisation needs at least 20 users and one day; ask for more with --users and --days.")
    start = epoch(first)
    network = build_network(population, streams)
    people = build_people(population, streams, network, users=users, start=start, days=days)
    records = build_records(streams, users)
    whereabouts = build_whereabouts(population, streams, people, first, days)
    sessions = build_sessions(population, streams, people, network, whereabouts)
    files = build_files(population, streams, people, records=records, sessions=sessions, start=start)
    return Company(
        population,
        streams,
        people,
        network,
        records,
        files,
        whereabouts,
        sessions,
        tables.role_ids(streams),
        start,
        days,
    )


def _ordinary_life(company: Company, frames: Frames) -> list[Change]:
    """Fills `frames` with everything but scenarios and returns the changes of slow tables."""
    requests = pages.build_requests(company)
    calls, entries = machines.machine_rows(company)
    hops, hop_pages = machines.vendor_rows(company)
    frames["syslog_transaction"] += [
        pages.request_rows(company, requests),
        *calls,
        machines.job_rows(company),
        hop_pages,
    ]
    frames["sysevent"] += [*pages.event_rows(company, requests), *logins.login_rows(company), *entries, hops]
    frames["sys_attachment"].append(attachment_table(company.files, company.people, company.records))
    frames["incident"].append(incident_table(company.streams, company.records, company.people, company.start))
    changes: list[Change] = []
    for job in (
        paperwork.audited_changes, paperwork.uploads, paperwork.mail, paperwork.impersonations, paperwork.role_grants,
    ):  # fmt: skip
        work = job(company)
        changes += work.changes
        for name, rows in work.frames:
            frames[name].append(rows)
    for name, rows in tables.directory_tables(company.streams, company.people, company.start).items():
        frames[name].append(rows)
    for name, made in configured(company).items():
        frames[name].append(made)
    leaving, _ = tables.departures(company.people)
    changes += configuration.loosened(company.streams, company.start, company.days)
    return [*changes, *leaving, *tables.login_changes(company.people, company.sessions, company.end)]


def configured(company: Company) -> dict[str, pl.DataFrame]:
    """Tables that say how the instance is set up; drawn from streams of their own."""
    population, streams, people, start = company.population, company.streams, company.people, company.start
    known = frozenset(name for name, _, _ in tables.PROPERTIES)
    rows = {
        **configuration.configuration_tables(population, streams, people, start, known),
        **access_rules.script_tables(population, streams, company.roles, start),
        **published.published_tables(population, streams, people, company.records, start),
        **published.integration_tables(population, streams, people, start),
    }
    made = {name: tables.table(items) for name, items in rows.items() if items}
    return {**made, **access_rules.access_frames(population, streams, company.roles, start)}


def _truth(company: Company, acts: Sequence[Act]) -> dict[str, object]:
    return {
        "incidents": [*(act.truth() for act in acts), *habits.incidents(company)],
        "networks": {"misplaced": list(company.network.misplaced)},
    }


def _accounts(streams: Streams) -> dict[str, str]:
    """Invented for the emulator alone; they open nothing else."""

    def secret(name: str) -> str:
        return streams.sys_id("secret", name)[:20]

    people = {name: secret(name) for name in ("admin", machines.COLLECTOR)}
    return {**people, "client_id": streams.sys_id("oauth", "client"), "client_secret": secret("oauth")}
