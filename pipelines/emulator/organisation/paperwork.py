"""What ordinary work leaves in other tables: audited changes, uploads, mail, impersonation by support, role grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY, instant, moment
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.people import NEVER
from pipelines.emulator.organisation.records import TABLES
from pipelines.emulator.organisation.rows import events, frame, stamps, transactions
from pipelines.emulator.organisation.sessions import OFFICE, Sessions
from pipelines.emulator.organisation.streams import Ints, choose, sys_ids
from pipelines.emulator.organisation.world import Change

GRANTABLE = ("itil", "knowledge_manager", "report_admin", "catalog_admin")
FIELDS = ("state", "assigned_to", "priority", "assignment_group", "short_description", "close_code")


@dataclass(frozen=True)
class Paperwork:
    """Frames by table, and the scripted changes that go with them."""

    frames: Sequence[tuple[str, pl.DataFrame]]
    changes: Sequence[Change] = ()


def _moments(rng: np.random.Generator, sessions: Sessions, session: Ints) -> Ints:
    spread = rng.random(len(session)) * (sessions.end - sessions.start)[session]
    return sessions.start[session] + spread.astype(np.int64)


def audited_changes(company: Company) -> Paperwork:
    """`sys_audit` rows of incident updates, each with the POST that made it."""
    population, people, records, sessions = company.population, company.people, company.records, company.sessions
    rng = company.streams.of("paperwork", "audit")
    rate = np.where(people.employees[sessions.user], population.updates_a_day / 1.7 * people.load[sessions.user], 0.2)
    session = np.repeat(np.arange(len(sessions)), rng.poisson(rate))
    time = _moments(rng, sessions, session)
    name = company.user_names.gather(sessions.user[session])
    audit = frame(
        {
            "sys_id": sys_ids(rng, len(session)),
            "sys_created_on": stamps(time),
            "sys_created_by": name,
            "tablename": "incident",
            "fieldname": pl.Series(FIELDS).gather(rng.integers(0, len(FIELDS), len(session))),
            "documentkey": records.sys_id.gather(records.draw(rng, "incident", len(session))),
            "oldvalue": pl.Series(["1", "2", "3", ""]).gather(rng.integers(0, 4, len(session))),
            "newvalue": pl.Series(["2", "3", "6", "7"]).gather(rng.integers(0, 4, len(session))),
            "user": name,
            "reason": "",
        },
        len(session),
    )
    posts = _posts(rng, company, session, time, "/incident.do")
    return Paperwork((("sys_audit", audit), ("syslog_transaction", posts)))


def _posts(rng: np.random.Generator, company: Company, session: Ints, time: Ints, url: str) -> pl.DataFrame:
    sessions = company.sessions
    return transactions(
        rng, time, user_name=company.user_names.gather(sessions.user[session]), url=url,
        kind="form", address=company.session_addresses.gather(session),
        agent=company.session_agents.gather(session),
        session=sessions.sid.gather(session), length=rng.integers(400, 4_000, len(session)),
    )  # fmt: skip


def uploads(company: Company) -> Paperwork:
    """One `attachment.uploaded` and one POST per upload action; the files' own rows are in `sys_attachment`."""
    records, files, sessions = company.records, company.files, company.sessions
    rng = company.streams.of("paperwork", "uploads")
    new = np.flatnonzero(files.session >= 0)
    repeated = (np.diff(files.session[new], prepend=-1) == 0) & (np.diff(files.created[new], prepend=-1) == 0)
    action = new[~repeated]
    session, time = files.session[action], files.created[action]
    owner = sessions.user[session]
    raised = events(
        rng, company.population.event_update_seconds, time, name="attachment.uploaded",
        parm1=pl.Series(files.name, dtype=pl.String).gather(action),
        parm2=pl.Series(TABLES, dtype=pl.String).gather(records.table[files.record[action]]), table="sys_attachment",
        instance=files.sys_id.gather(action), user_id=company.user_ids.gather(owner),
        user_name=company.user_names.gather(owner), uri="/sys_attachment.do",
    )  # fmt: skip
    posts = _posts(rng, company, session, time, "/sys_attachment.do?sysparm_target=upload")
    return Paperwork((("sysevent", raised), ("syslog_transaction", posts)))


def mail(company: Company) -> Paperwork:
    """Notifications by working hour, a few of them to customers, and some received mail."""
    population, people, records = company.population, company.people, company.records
    start, days = company.start, company.days
    rng = company.streams.of("paperwork", "mail")
    per_day = population.mails_a_day * people.employees.sum()
    weekday = (np.arange(days) + start // DAY + 3) % 7 < 5  # the epoch began on a Thursday
    count = rng.poisson(np.where(weekday, per_day, per_day * 0.1))
    day = np.repeat(np.arange(days), count)
    time = np.sort(start + day * DAY + np.clip(rng.normal(13, 3.5, len(day)) * 3600, 0, DAY - 1).astype(np.int64))
    inward = rng.random(len(day)) < 0.12
    reader = rng.integers(0, len(people), len(day))
    address = pl.Series(people.email, dtype=pl.String).gather(reader)
    desk = pl.Series(["it-support@meridian-works.example"]).gather(np.zeros(len(day), dtype=np.int64))
    about = records.draw(rng, "incident", len(day))
    number = pl.Series(records.number, dtype=pl.String).gather(about)
    kind = pl.Series(["sent", "received"]).gather(inward.astype(np.int64))
    back = pl.Series(inward)
    rows = frame(
        {
            "sys_id": sys_ids(rng, len(day)),
            "sys_created_on": stamps(time),
            "sys_created_by": "system",
            "sys_updated_on": stamps(time + 20),
            "sys_updated_by": "system",
            "type": kind,
            "state": "processed",
            "mailbox": pl.Series(["sent", "inbox"]).gather(inward.astype(np.int64)),
            "recipients": pl.select(pl.when(back).then(desk).otherwise(address)).to_series(),
            "copied": "",
            "blind_copied": "",
            "subject": "Incident " + number + " has been updated",
            "content_type": "text/html",
            "target_table": "incident",
            "instance": records.sys_id.gather(about),
            "user": pl.select(pl.when(back).then(address).otherwise(pl.lit("system"))).to_series(),
            "user_id": company.user_ids.gather(reader),
        },
        len(day),
    )
    return Paperwork((("sys_email", rows),))


def impersonations(company: Company) -> Paperwork:
    """Support agents step into a colleague's account for a few minutes; the pages are logged as the colleague's."""
    population, people, sessions = company.population, company.people, company.sessions
    rng = company.streams.of("paperwork", "impersonation")
    agents = np.flatnonzero(people.desk[sessions.user] & (sessions.mode == OFFICE))
    chosen = agents[rng.random(len(agents)) < population.impersonations_a_day / 1.5]
    steady = (people.joined == 0) & (people.left == NEVER)
    colleagues = np.flatnonzero(people.employees & ~people.admin & ~people.desk & ~people.dormant & steady)
    target = colleagues[rng.integers(0, len(colleagues), len(chosen))]
    begin, length = sessions.start[chosen] + rng.integers(120, 1500, len(chosen)), rng.integers(60, 420, len(chosen))
    agent_name = company.user_names.gather(sessions.user[chosen])
    target_name = company.user_names.gather(target)
    agent_id = company.user_ids.gather(sessions.user[chosen])
    frames = [
        (
            "sysevent",
            events(
                rng,
                company.population.event_update_seconds,
                begin + shift,
                name=name,
                parm1=agent_name,
                parm2=target_name,
                user_id=agent_id,
                user_name=agent_name,
                instance=sessions.sid.gather(chosen),
            ),
        )
        for name, shift in (("impersonation.start", 0 * length), ("impersonation.end", length))
    ]
    page = np.repeat(np.arange(len(chosen)), 5)
    inside = begin[page] + 1 + (rng.random(len(page)) * (length[page] - 2)).astype(np.int64)
    session = chosen[page]
    pages = transactions(
        rng, inside, user_name=target_name.gather(page), url="/incident_list.do?sysparm_query=caller_id=javascript:gs.getUserID()",
        kind="list", address=company.session_addresses.gather(session),
        agent=company.session_agents.gather(session),
        session=sessions.sid.gather(session), length=rng.integers(8_000, 40_000, len(page)),
    )  # fmt: skip
    return Paperwork((*frames, ("syslog_transaction", pages)))


def role_grants(company: Company) -> Paperwork:
    """Administrators grant harmless roles in office hours; one in four is a revocation after a while."""
    population, people, sessions, roles = company.population, company.people, company.sessions, company.roles
    rng = company.streams.of("paperwork", "roles")
    admins = np.flatnonzero(people.admin[sessions.user] & (sessions.mode == OFFICE))
    rate = population.role_grants_a_day * len(people) / 300 / max(1, population.administrators - 1)
    chosen = np.repeat(admins, rng.poisson(rate, len(admins)))
    staff = np.flatnonzero(people.employees & ~people.admin)
    holder, role = staff[rng.integers(0, len(staff), len(chosen))], choose(rng, [6, 1, 1, 1], len(chosen))
    time = _moments(rng, sessions, chosen)
    by = sessions.user[chosen]
    grants = frame(
        {
            "sys_id": sys_ids(rng, len(chosen)),
            "sys_created_on": stamps(time),
            "sys_created_by": company.user_names.gather(by),
            "user": company.user_ids.gather(holder),
            "role": pl.Series([roles[name] for name in GRANTABLE]).gather(role),
            "operation": "Added",
            "changed_by": company.user_ids.gather(by),
            "granted_by_group": "",
        },
        len(chosen),
    )
    changes = tuple(
        holding(
            company.streams.sys_id("grant", index),
            int(at),
            people.sys_id[who],
            roles[GRANTABLE[what]],
            people.user_name[admin],
        )
        for index, (at, who, what, admin) in enumerate(zip(time, holder, role, by, strict=True))
    )
    return Paperwork((("sys_audit_role", grants),), changes)


def holding(sys_id: str, time: int, user: str, role: str, by: str) -> Change:
    """The `sys_user_has_role` row that a grant inserts."""
    values = {
        "user": user, "role": role, "granted_by": "", "inherited": "false", "state": "active",
        "sys_created_on": moment(time), "sys_created_by": by,
    }  # fmt: skip
    return Change(instant(time), "sys_user_has_role", sys_id, values)
