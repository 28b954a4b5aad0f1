"""From a seed to a world: ordinary life first, then scenarios, then the tables a server can show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipelines.emulator.organisation import habits, logins, machines, pages, paperwork, tables
from pipelines.emulator.organisation.content import TYPES, Contents, digests
from pipelines.emulator.organisation.files import attachment_table, build_files
from pipelines.emulator.organisation.network import build_network
from pipelines.emulator.organisation.people import build_people
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.records import TABLES, build_records, incident_table
from pipelines.emulator.organisation.rows import events, frame, stamps, texts, transactions
from pipelines.emulator.organisation.scenarios import SCENES
from pipelines.emulator.organisation.sessions import build_sessions, epoch
from pipelines.emulator.organisation.stage import Stage, perform
from pipelines.emulator.organisation.streams import Streams, sys_ids
from pipelines.emulator.organisation.tables import moment
from pipelines.emulator.organisation.whereabouts import build_whereabouts
from pipelines.emulator.organisation.world import Change, World

LAST_DAY = date(2026, 10, 15)  # exclusive; the thirty days before hold a quarter end
LOGS = ("sysevent", "syslog_transaction", "sys_audit", "sys_audit_role", "sys_audit_delete", "sys_email")
Frames = defaultdict[str, list[pl.DataFrame]]


def generate(
    seed: int = 1,
    users: int = 300,
    days: int = 30,
    before: int = 7,
    end: date | None = None,
    population: Population | None = None,
) -> World:
    """An organisation of `users` people over `days` days and `before` more to warm up, ending at midnight UTC of `end`."""
    shape = population or Population()
    last = end or LAST_DAY
    first = last - timedelta(days=days + before)
    stage = _stage(shape, Streams(seed), users, first, days + before)
    frames: Frames = defaultdict(list)
    changes = _ordinary_life(stage, frames)
    perform(stage, SCENES)
    _scenario_rows(stage, frames)
    _departures_audit(stage, frames)
    return World(
        seed=seed,
        start=datetime(first.year, first.month, first.day),
        end=datetime(last.year, last.month, last.day),
        tables=_assemble(stage, frames),
        changes=tuple(sorted((*changes, *stage.script.changes), key=lambda change: (change.at, change.table, change.sys_id))),
        attachments=Contents({**stage.files.bodies(), **stage.script.bodies}),
        network=stage.network.blocks,
        truth={"incidents": [*stage.script.incidents, *habits.incidents(stage)], "networks": {"misplaced": list(stage.network.misplaced)}},
        accounts=_accounts(stage.streams),
        listings=tuple(stage.script.listings),
        directory=tuple(sorted((*habits.directory(stage), *stage.script.directory), key=lambda change: change.at)),
    )


def _stage(population: Population, streams: Streams, users: int, first: date, days: int) -> Stage:
    start = epoch(first)
    network = build_network(population, streams)
    people = build_people(population, streams, network, users, datetime(first.year, first.month, first.day), days)
    records = build_records(streams, users)
    whereabouts = build_whereabouts(population, streams, people, first, days)
    sessions = build_sessions(population, streams, people, network, whereabouts)
    files = build_files(population, streams, people, records, sessions, start)
    roles = tables.role_ids(streams)
    return Stage(population, streams, people, network, records, files, whereabouts, sessions, roles, start, days)


def _ordinary_life(stage: Stage, frames: Frames) -> list[Change]:
    """Fills `frames` with everything but scenarios and returns the changes of slow tables."""
    population, streams, people, network = stage.population, stage.streams, stage.people, stage.network
    records, files, sessions = stage.records, stage.files, stage.sessions
    requests = pages.build_requests(population, streams, people, records, files, sessions)
    frames["syslog_transaction"].append(pages.request_rows(streams, people, network, records, files, sessions, requests))
    frames["sysevent"] += pages.event_rows(population, streams, people, records, files, sessions, requests)
    frames["sysevent"] += logins.login_rows(population, streams, people, network, sessions)
    calls, entries = machines.machine_rows(population, streams, network, files, stage.start, stage.days)
    frames["syslog_transaction"] += [*calls, machines.job_rows(streams, people, stage.start, stage.days)]
    hops, hop_pages = machines.vendor_rows(population, streams, network, stage.start, stage.days)
    frames["sysevent"] += [*entries, hops]
    frames["syslog_transaction"].append(hop_pages)
    frames["sys_attachment"].append(attachment_table(files, people, records))
    frames["incident"].append(incident_table(streams, records, people, stage.start))
    grants = paperwork.role_grants(population, streams, people, sessions, dict(stage.roles))
    for work in (
        paperwork.audited_changes(population, streams, people, records, network, sessions),
        paperwork.uploads(population, streams, people, records, files, network, sessions),
        paperwork.mail(population, streams, people, records, stage.start, stage.days),
        paperwork.impersonations(population, streams, people, network, sessions),
        grants,
    ):
        for name, rows in work.frames:
            frames[name].append(rows)
    for name, rows in tables.directory_tables(streams, people, stage.start).items():
        frames[name].append(rows)
    leaving, _ = tables.departures(people)
    return [*grants.changes, *leaving, *tables.login_changes(people, sessions, stage.end)]


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def _scenario_rows(stage: Stage, frames: Frames) -> None:
    """The script's rows in the same stored form as ordinary ones."""
    rng = stage.streams.of("scene rows")
    rows = stage.script.rows
    if calls := rows["syslog_transaction"]:
        named = {name: _column(calls, name) for name in ("user_name", "url", "kind", "address", "agent", "session", "status")}
        time, length = np.array(_column(calls, "time")), np.array(_column(calls, "length"))
        frames["syslog_transaction"].append(transactions(rng, time, length=length, **named))
    if raised := rows["sysevent"]:
        named = {name: _column(raised, name) for name in ("name", "parm1", "parm2", "table", "instance", "user_id", "user_name", "uri")}
        frames["sysevent"].append(events(rng, stage.population.event_update_seconds, np.array(_column(raised, "time")), **named))
    for name in ("sys_audit", "sys_audit_role", "sys_audit_delete", "sys_email"):
        if items := rows[name]:
            columns = {key: _column(items, key) for key in items[0] if key != "time"}
            stamped = {"sys_id": sys_ids(rng, len(items)), "sys_created_on": stamps(_column(items, "time"))}
            frames[name].append(frame({**stamped, **columns}, len(items)))
    if attached := rows["sys_attachment"]:
        frames["sys_attachment"].append(_attached(stage, attached))


def _attached(stage: Stage, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    records = stage.records
    bodies = [stage.script.bodies[row["sys_id"]] for row in rows]
    original = [body if len(body.key) == 32 else type(body)(row["extension"], body.size, row["sys_id"]) for body, row in zip(bodies, rows, strict=True)]
    home, created = np.array(_column(rows, "record")), stamps(_column(rows, "time"))
    size = np.array([body.size for body in bodies])
    owner = _column(rows, "owner")
    return frame(
        {
            "sys_id": _column(rows, "sys_id"), "file_name": _column(rows, "name"),
            "content_type": [TYPES.get(row["extension"], "application/octet-stream") for row in rows],
            "size_bytes": texts(size), "size_compressed": texts(size * 7 // 10), "compressed": "true",
            "table_name": pl.Series(TABLES, dtype=pl.String).gather(records.table[home]),
            "table_sys_id": records.sys_id.gather(home), "hash": digests(original), "state": "available",
            "chunk_size_bytes": "734003", "sys_created_on": created, "sys_created_by": owner, "sys_updated_on": created,
            "sys_updated_by": owner, "sys_mod_count": "0",
        },
        len(rows),
    )  # fmt: skip


def _departures_audit(stage: Stage, frames: Frames) -> None:
    """`sys_audit` rows of accounts switched off when people leave."""
    people = stage.people
    _, audit = tables.departures(people)
    if audit:
        users, times = zip(*audit, strict=True)
        frames["sys_audit"].append(
            frame(
                {
                    "sys_id": [stage.streams.sys_id("departure", people.sys_id[at]) for at in users],
                    "sys_created_on": stamps(list(times)), "sys_created_by": "svc.hr_sync", "tablename": "sys_user",
                    "fieldname": "active", "documentkey": [people.sys_id[at] for at in users], "oldvalue": "true",
                    "newvalue": "false", "user": "svc.hr_sync", "reason": "",
                },
                len(users),
            )  # fmt: skip
        )


def _assemble(stage: Stage, frames: Frames) -> dict[str, pl.DataFrame]:
    """One frame per table: logs cut to the period and ordered, late rows and rotation twins added."""
    first, last = moment(stage.start), moment(stage.end)
    result = {}
    for name, parts in frames.items():
        rows = pl.concat(parts, how="diagonal").with_columns(pl.all().fill_null(""))
        if name in LOGS:
            rows = rows.filter(pl.col("sys_created_on").is_between(pl.lit(first), pl.lit(last), closed="left"))
        elif name == "sys_attachment":
            rows = rows.filter(pl.col("sys_created_on") < last)
        if name == "sysevent":
            rows = _with_twins(stage, rows)
        if name in ("sysevent", "syslog_transaction"):
            rows = _with_late_rows(stage, name, rows)
        result[name] = rows.sort("sys_created_on", "sys_id") if "sys_created_on" in rows.columns else rows.sort("sys_id")
    if "sys_audit_delete" not in result:
        names = ("sys_id", "sys_created_on", "sys_created_by", "tablename", "documentkey", "display_value", "payload")
        result["sys_audit_delete"] = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return result


def _with_twins(stage: Stage, rows: pl.DataFrame) -> pl.DataFrame:
    """Rotation re-creates events that were not processed at midnight: a second row in state transferred."""
    rng = stage.streams.of("twins")
    around_midnight = rows["sys_created_on"].str.slice(11) >= "23:59:40"
    drawn = pl.Series(rng.random(rows.height) < stage.population.transferred_share)
    twins = rows.filter(around_midnight | drawn)
    twins = twins.with_columns(sys_ids(rng, twins.height), pl.lit("transferred").alias("state"))
    return pl.concat([rows, twins])


def _with_late_rows(stage: Stage, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """`_visible_at` of rows that a poller cannot see at once; '' for all others."""
    rng = stage.streams.of("late", name)
    draw = rng.random(rows.height)
    late, very_late = stage.population.late_share, stage.population.very_late_share
    delay = np.where(draw < very_late, rng.integers(2 * 3600, 40 * 3600, rows.height), rng.integers(60, 2400, rows.height))
    created = rows["sys_created_on"].str.to_datetime("%Y-%m-%d %H:%M:%S")
    visible = (created + pl.Series(delay * 1000).cast(pl.Duration("ms"))).dt.strftime("%Y-%m-%d %H:%M:%S")
    chosen = pl.Series(draw < late + very_late)
    return rows.with_columns(pl.when(chosen).then(visible).otherwise(pl.lit("")).alias("_visible_at"))


def _accounts(streams: Streams) -> dict[str, str]:
    def secret(name: str) -> str:
        return streams.sys_id("secret", name)[:20]

    people = {name: secret(name) for name in ("admin", machines.COLLECTOR)}
    return {**people, "client_id": streams.sys_id("oauth", "client"), "client_secret": secret("oauth")}



