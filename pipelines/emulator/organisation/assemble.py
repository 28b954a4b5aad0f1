"""From parts to tables: scenario rows join the ordinary ones, logs are cut to the period, late rows and twins are marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.emulator.organisation import tables
from pipelines.emulator.organisation.act import Act
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
Departure = tuple[int, int, int]  # user, from, until


def silence(company: Company, departures: Sequence[Departure], frames: Frames) -> None:
    """Takes the ordinary rows of scripted leavers out of the time they are gone; files they would have attached get
    their manager as owner, since others may have read them. Background jobs under their name go on."""
    people = company.people
    gone = [
        (
            people.user_name[user],
            people.user_name[max(0, int(people.manager[user]))],
            moment(since),
            moment(min(until, company.end)),
        )
        for user, since, until in departures
    ]
    for log, who in (
        ("sysevent", ("sys_created_by", "parm1")),
        ("syslog_transaction", ("sys_created_by",)),
        ("sys_audit", ("user",)),
    ):
        frames[log] = [_without(pl.concat(frames[log]), who, [(name, since, until) for name, _, since, until in gone])]
    for name, manager, since, until in gone:
        theirs = (pl.col("sys_created_by") == name) & pl.col("sys_created_on").is_between(pl.lit(since), pl.lit(until))
        owner = pl.when(theirs).then(pl.lit(manager)).otherwise(pl.col("sys_created_by")).alias("sys_created_by")
        frames["sys_attachment"] = [rows.with_columns(owner) for rows in frames["sys_attachment"]]


def _without(rows: pl.DataFrame, who: Sequence[str], gone: Sequence[tuple[str, str, str]]) -> pl.DataFrame:
    """Rows but for those that name a leaver in a column of `who` between two times."""
    names = [name for name, _, _ in gone]
    concerned = pl.any_horizontal(pl.col(column).is_in(names) for column in who)
    if "type" in rows.columns:
        concerned &= pl.col("type") != "scheduler"
    some = rows.filter(concerned)
    for name, since, until in gone:
        theirs = pl.any_horizontal(pl.col(column) == name for column in who)
        some = some.filter(~(theirs & pl.col("sys_created_on").is_between(pl.lit(since), pl.lit(until))))
    return pl.concat([rows.filter(~concerned), some])


def still_true(company: Company, departures: Sequence[Departure], changes: Sequence[Change]) -> list[Change]:
    """Without the logins of scripted leavers while they are gone."""
    gone = {
        company.people.sys_id[user]: (instant(since), instant(min(until, company.end)))
        for user, since, until in departures
    }
    return [
        change for change in changes
        if change.sys_id not in gone or not gone[change.sys_id][0] <= change.at <= gone[change.sys_id][1]
    ]  # fmt: skip


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def scenario_rows(act: Act, frames: Frames) -> None:
    """The act's rows in the same stored form as ordinary ones."""
    rows, delay = act.script.rows, act.company.population.event_update_seconds
    rng = act.company.streams.of("scene rows", act.scene.name, act.copy)
    if calls := rows["syslog_transaction"]:
        names = ("user_name", "url", "kind", "address", "agent", "session", "status")
        time, length = np.array(_column(calls, "time")), np.array(_column(calls, "length"))
        named = {name: _column(calls, name) for name in names}
        frames["syslog_transaction"].append(transactions(rng, time, length=length, **named))
    if raised := rows["sysevent"]:
        fields = ("name", "parm1", "parm2", "table", "instance", "user_id", "user_name", "uri")
        named = {name: _column(raised, name) for name in fields}
        frames["sysevent"].append(events(rng, delay, np.array(_column(raised, "time")), **named))
    for name in ("sys_audit", "sys_audit_role", "sys_audit_delete", "sys_email"):
        if items := rows[name]:
            columns = {key: _column(items, key) for key in items[0] if key != "time"}
            stamped = {"sys_id": sys_ids(rng, len(items)), "sys_created_on": stamps(_column(items, "time"))}
            frames[name].append(frame({**stamped, **columns}, len(items)))
    if attached := rows["sys_attachment"]:
        frames["sys_attachment"].append(_attached(act.company, act.script, attached))


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
            rows = _with_late_rows(company, rows)
        result[name] = (
            rows.sort("sys_created_on", "sys_id") if "sys_created_on" in rows.columns else rows.sort("sys_id")
        )
    if "sys_audit_delete" not in result:
        names = ("sys_id", "sys_created_on", "sys_created_by", "tablename", "documentkey", "display_value", "payload")
        result["sys_audit_delete"] = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return result


def _with_twins(company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    """Rotation re-creates events that were not processed at midnight: a second row in state transferred."""
    around_midnight = pl.col("sys_created_on").str.slice(11) >= "23:59:40"
    twins = rows.filter(around_midnight | (_lot(0) < company.population.transferred_share))
    own_id = (pl.col("sys_id").str.slice(16) + pl.col("sys_id").str.slice(0, 16)).alias("sys_id")
    return pl.concat([rows, twins.with_columns(own_id, pl.lit("transferred").alias("state"))])


def _with_late_rows(company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    """`_visible_at` of rows that a poller cannot see at once; '' for all others."""
    very_late, late = company.population.very_late_share, company.population.late_share
    minutes = pl.when(_lot(8) < very_late).then(120 + _lot(16) * 2280).otherwise(1 + _lot(16) * 39)
    created = pl.col("sys_created_on").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms")
    visible = created + pl.duration(seconds=(minutes * 60).cast(pl.Int64), time_unit="ms")
    text = visible.dt.strftime("%Y-%m-%d %H:%M:%S")
    return rows.with_columns(pl.when(_lot(8) < very_late + late).then(text).otherwise(pl.lit("")).alias("_visible_at"))


def _lot(digits_from: int) -> pl.Expr:
    """A number in [0, 1) drawn by the row's own sys_id, so that one row's fate never depends on another's."""
    return pl.col("sys_id").str.slice(digits_from, 8).str.to_integer(base=16, dtype=pl.UInt32) / 2**32
