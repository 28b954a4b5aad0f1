"""From parts to tables: scenario rows join the ordinary ones, logs are cut to the period, late rows and twins are marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.emulator.organisation import tables
from pipelines.emulator.organisation.clock import instant, moment
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.content import TYPES, Body, digests
from pipelines.emulator.organisation.records import TABLES
from pipelines.emulator.organisation.rows import events, frame, stamps, texts, transactions
from pipelines.emulator.organisation.script import Script
from pipelines.emulator.organisation.streams import sys_ids
from pipelines.emulator.organisation.world import Change

LOGS = ("sysevent", "syslog_transaction", "sys_audit", "sys_audit_role", "sys_audit_delete", "sys_email")
Frames = defaultdict[str, list[pl.DataFrame]]


def silence(company: Company, script: Script, frames: Frames) -> None:
    """Takes the ordinary rows of scripted leavers out of the time they are gone; files they would have attached get
    their manager as owner, since others may have read them."""
    people = company.people
    for user, since, until in script.departures:
        name, manager = people.user_name[user], people.user_name[max(0, int(people.manager[user]))]
        gone = pl.col("sys_created_on").is_between(pl.lit(moment(since)), pl.lit(moment(min(until, company.end))))
        spoken_for = {
            "sysevent": pl.col("parm1") == name,
            "syslog_transaction": pl.lit(False),
            "sys_audit": pl.lit(False),
        }
        for log, other in spoken_for.items():
            background = pl.col("type") == "scheduler" if log == "syslog_transaction" else pl.lit(False)
            by_them = ((pl.col("sys_created_by") == name) | other) & ~background
            frames[log] = [rows.filter(~(gone & by_them)) for rows in frames[log]]
        owner = (
            pl.when(gone & (pl.col("sys_created_by") == name)).then(pl.lit(manager)).otherwise(pl.col("sys_created_by"))
        )
        frames["sys_attachment"] = [
            rows.with_columns(owner.alias("sys_created_by")) for rows in frames["sys_attachment"]
        ]


def still_true(company: Company, script: Script, changes: Sequence[Change]) -> list[Change]:
    """Without the logins of scripted leavers while they are gone."""
    gone = {
        company.people.sys_id[user]: (instant(since), instant(min(until, company.end)))
        for user, since, until in script.departures
    }
    return [
        change for change in changes
        if change.sys_id not in gone or not gone[change.sys_id][0] <= change.at <= gone[change.sys_id][1]
    ]  # fmt: skip


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def scenario_rows(company: Company, script: Script, frames: Frames) -> None:
    """The script's rows in the same stored form as ordinary ones."""
    rng, delay = company.streams.of("scene rows"), company.population.event_update_seconds
    rows = script.rows
    if calls := rows["syslog_transaction"]:
        named = {
            name: _column(calls, name) for name in ("user_name", "url", "kind", "address", "agent", "session", "status")
        }
        time, length = np.array(_column(calls, "time")), np.array(_column(calls, "length"))
        frames["syslog_transaction"].append(transactions(rng, time, length=length, **named))
    if raised := rows["sysevent"]:
        named = {
            name: _column(raised, name)
            for name in ("name", "parm1", "parm2", "table", "instance", "user_id", "user_name", "uri")
        }
        frames["sysevent"].append(events(rng, delay, np.array(_column(raised, "time")), **named))
    for name in ("sys_audit", "sys_audit_role", "sys_audit_delete", "sys_email"):
        if items := rows[name]:
            columns = {key: _column(items, key) for key in items[0] if key != "time"}
            stamped = {"sys_id": sys_ids(rng, len(items)), "sys_created_on": stamps(_column(items, "time"))}
            frames[name].append(frame({**stamped, **columns}, len(items)))
    if attached := rows["sys_attachment"]:
        frames["sys_attachment"].append(_attached(company, script, attached))


def _attached(company: Company, script: Script, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    records = company.records
    bodies = [script.bodies[row["sys_id"]] for row in rows]
    original = [
        body if len(body.key) == 32 else Body(row["extension"], body.size, row["sys_id"])
        for body, row in zip(bodies, rows, strict=True)
    ]
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


def departures_audit(company: Company, frames: Frames) -> None:
    """`sys_audit` rows of accounts switched off when people leave."""
    people = company.people
    _, audit = tables.departures(people)
    if audit:
        users, times = zip(*audit, strict=True)
        frames["sys_audit"].append(
            frame(
                {
                    "sys_id": [company.streams.sys_id("departure", people.sys_id[at]) for at in users],
                    "sys_created_on": stamps(list(times)),
                    "sys_created_by": "svc.hr_sync",
                    "tablename": "sys_user",
                    "fieldname": "active",
                    "documentkey": [people.sys_id[at] for at in users],
                    "oldvalue": "true",
                    "newvalue": "false",
                    "user": "svc.hr_sync",
                    "reason": "",
                },
                len(users),
            )
        )


def assemble(company: Company, frames: Frames) -> dict[str, pl.DataFrame]:
    """One frame per table: logs cut to the period and ordered, late rows and rotation twins added."""
    first, last = moment(company.start), moment(company.end)
    result = {}
    for name, parts in frames.items():
        rows = pl.concat(parts, how="diagonal").with_columns(pl.all().fill_null(""))
        if name in LOGS:
            rows = rows.filter(pl.col("sys_created_on").is_between(pl.lit(first), pl.lit(last), closed="left"))
        elif name == "sys_attachment":
            rows = rows.filter(pl.col("sys_created_on") < last)
        if name == "sysevent":
            rows = _with_twins(company, rows)
        if name in ("sysevent", "syslog_transaction"):
            rows = _with_late_rows(company, name, rows)
        result[name] = (
            rows.sort("sys_created_on", "sys_id") if "sys_created_on" in rows.columns else rows.sort("sys_id")
        )
    if "sys_audit_delete" not in result:
        names = ("sys_id", "sys_created_on", "sys_created_by", "tablename", "documentkey", "display_value", "payload")
        result["sys_audit_delete"] = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return result


def _with_twins(company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    """Rotation re-creates events that were not processed at midnight: a second row in state transferred."""
    rng = company.streams.of("twins")
    around_midnight = rows["sys_created_on"].str.slice(11) >= "23:59:40"
    drawn = pl.Series(rng.random(rows.height) < company.population.transferred_share)
    twins = rows.filter(around_midnight | drawn)
    twins = twins.with_columns(sys_ids(rng, twins.height), pl.lit("transferred").alias("state"))
    return pl.concat([rows, twins])


def _with_late_rows(company: Company, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """`_visible_at` of rows that a poller cannot see at once; '' for all others."""
    rng = company.streams.of("late", name)
    draw = rng.random(rows.height)
    late, very_late = company.population.late_share, company.population.very_late_share
    delay = np.where(
        draw < very_late, rng.integers(2 * 3600, 40 * 3600, rows.height), rng.integers(60, 2400, rows.height)
    )
    created = rows["sys_created_on"].str.to_datetime("%Y-%m-%d %H:%M:%S")
    visible = (created + pl.Series(delay * 1000).cast(pl.Duration("ms"))).dt.strftime("%Y-%m-%d %H:%M:%S")
    chosen = pl.Series(draw < late + very_late)
    return rows.with_columns(pl.when(chosen).then(visible).otherwise(pl.lit("")).alias("_visible_at"))
