"""Accounts without a person behind them: synchronisation, monitoring, extracts, background jobs, vendor support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY, HOUR
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.devices import MACHINE
from pipelines.emulator.organisation.rows import events, transactions
from pipelines.emulator.organisation.streams import Ints, sys_ids

COLLECTOR = "nowguard.collector"
VENDOR_COMPANY_ADDRESS = ("cloud", "Ashburn")


@dataclass(frozen=True)
class Machine:
    """An integration account: `calls` requests a day between two UTC hours, `logins` of them opening a session."""

    user_name: str
    label: str
    agent: str
    site: tuple[str, str]
    begin: float
    finish: float
    calls: int
    logins: int
    urls: tuple[str, ...]
    size: int
    downloads: int = 0


MACHINES = (
    Machine("svc.hr_sync", "HR system synchronisation", "sync", ("cloud", "Dublin"), 1.5, 2.1, 320, 1,
            ("/api/now/table/sys_user?sysparm_limit=500&sysparm_offset=0", "/api/now/table/cmn_department?sysparm_limit=500"), 90_000, 110),
    Machine("svc.monitoring", "Availability monitoring", "monitoring", ("cloud", "Ashburn"), 0.0, 24.0, 288, 288,
            ("/api/now/table/sys_cluster_state?sysparm_limit=1",), 700),
    Machine("mid.rotterdam", "MID server", "mid", ("datacentre", "Rotterdam"), 0.0, 24.0, 720, 24,
            ("/ecc_queue.do?SOAP", "/api/mid/heartbeat"), 1_500),
    Machine("svc.bi_extract", "Warehouse extract", "bi", ("datacentre", "Rotterdam"), 3.0, 3.8, 220, 1,
            ("/api/now/table/incident?sysparm_limit=5000&sysparm_fields=number,state", "/api/now/table/task?sysparm_limit=5000"), 2_400_000),
    Machine("svc.ticket_bridge", "Ticket bridge to a supplier", "bridge", ("cloud", "Dublin"), 5.0, 19.0, 380, 14,
            ("/api/now/table/incident?sysparm_query=correlation_idISNOTEMPTY", "/api/now/import/u_supplier_tickets"), 5_000),
)  # fmt: skip
# background work is logged above one second only; some jobs run as the person who scheduled them
JOBS = (
    "JOB: Calculate SLA Breach Times", "JOB: Text Index Events Process", "JOB: events process", "JOB: Clean Temp Tables",
    "JOB: Email Reader", "JOB: Business Service Metrics", "JOB: UsageAnalytics App Scheduler",
)  # fmt: skip
JOBS_A_DAY = 320


def _machine_day(
    rng: np.random.Generator, company: Company, machine: Machine, day: int
) -> tuple[pl.DataFrame, Ints, pl.Series]:
    """Transactions of one account and day, the times of its logins, and their session ids."""
    midnight, calls, files = company.start + day * DAY, machine.calls + machine.downloads, company.files
    wobble = rng.normal(0, 0.08, calls)
    hours = np.sort(
        np.clip(machine.begin + (machine.finish - machine.begin) * (np.arange(calls) + wobble) / calls, 0, 23.99)
    )
    time = midnight + (hours * HOUR).astype(np.int64)
    entry = np.linspace(0, calls, machine.logins, endpoint=False).astype(np.int64)
    sids = sys_ids(rng, machine.logins)
    urls = pl.Series(machine.urls, dtype=pl.String).gather(rng.integers(0, len(machine.urls), calls))
    size = (machine.size * rng.lognormal(0, 0.3, calls)).astype(np.int64)
    if machine.downloads:
        fetch = np.sort(rng.choice(calls, machine.downloads, replace=False))
        file = (rng.random(machine.downloads) * files.available(time[fetch])).astype(np.int64)
        urls = urls.scatter(fetch, "/api/now/attachment/" + files.sys_id.gather(file) + "/file")
        size[fetch] = files.size[file]
    rows = transactions(
        rng, time, user_name=machine.user_name, url=urls, kind="soap" if "SOAP" in machine.urls[0] else "rest",
        address=company.network.address(*machine.site, 1), agent=MACHINE[machine.agent],
        session=sids.gather(np.searchsorted(entry, np.arange(calls), side="right") - 1), length=size,
    )  # fmt: skip
    return rows, time[entry], sids


def machine_rows(company: Company) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    """`syslog_transaction` and `sysevent` rows of the integration accounts."""
    requests, logins = [], []
    for machine in MACHINES:
        name, address = machine.user_name, company.network.address(*machine.site, 1)
        for day, today in enumerate(company.whereabouts.days):
            rng = company.streams.of("machines", name, today.isoformat())
            rows, times, sids = _machine_day(rng, company, machine, day)
            opened = events(
                rng, company.population.event_update_seconds, times, name="login", parm1=name, parm2=address, instance=sids,
                user_id=company.streams.sys_id("user", name), user_name=name,
            )  # fmt: skip
            requests.append(rows)
            logins.append(opened)
    return requests, logins


def job_rows(company: Company) -> pl.DataFrame:
    """Background work; a tenth runs as a person, also of people who have left or are asleep."""
    rng, people = company.streams.of("machines", "jobs"), company.people
    count = JOBS_A_DAY * company.days
    time = np.sort(company.start + rng.integers(0, company.days * DAY, count))
    owners = np.flatnonzero(people.employees)[:: max(1, len(people) // 12)]
    names = pl.Series([*(people.user_name[at] for at in owners), "system"], dtype=pl.String)
    owner = np.where(rng.random(count) < 0.1, rng.integers(0, len(owners), count), len(owners))
    personal = owner < len(owners)
    jobs = pl.Series([*JOBS, "JOB: Scheduled report"], dtype=pl.String)
    job = np.where(personal, len(JOBS), rng.integers(0, len(JOBS), count))
    return transactions(
        rng, time, user_name=names.gather(owner), url=jobs.gather(job), kind="scheduler", address="", agent="", session="",
        length=np.zeros(count, dtype=np.int64), status="",
    )  # fmt: skip


def vendor_rows(company: Company) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hop logins of the vendor's support, user names with `@snc` that have no account in `sys_user`."""
    rng = company.streams.of("machines", "vendor")
    count = max(1, company.days // 4)
    time = company.start + rng.integers(0, company.days, count) * DAY + rng.integers(8 * HOUR, 22 * HOUR, count)
    time = np.sort(time)
    names = pl.Series([f"{letters}@snc" for letters in ("kj4821", "mb1077", "ts9310")]).gather(
        rng.integers(0, 3, count)
    )
    sids, address = sys_ids(rng, count), company.network.address(*VENDOR_COMPANY_ADDRESS, 33)
    hops = events(
        rng, company.population.event_update_seconds, time, name="login", parm1=names, parm2=address, instance=sids,
        user_id=sys_ids(rng, count), user_name=names,
    )  # fmt: skip
    pages = np.repeat(np.arange(count), 6)
    requests = transactions(
        rng, time[pages] + rng.integers(5, 1500, len(pages)), user_name=names.gather(pages), url="/stats.do", kind="other",
        address=address, agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        session=sids.gather(pages), length=rng.integers(5_000, 60_000, len(pages)),
    )  # fmt: skip
    return hops, requests
