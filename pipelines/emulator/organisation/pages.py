"""What people do in an ordinary session: pages, downloads, exports, and the events these raise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.records import TABLES
from pipelines.emulator.organisation.rows import events, transactions
from pipelines.emulator.organisation.streams import Ints, choose

REQUESTS_A_DAY = 34.0  # of an ordinary user: turns rates per day into chances per request


@dataclass(frozen=True)
class Page:
    """A kind of request; `{}` in the URL stands for a record of `table` or an attachment. `size` is a median in bytes."""

    url: str
    kind: str
    weight: float
    size: int
    table: str = ""
    event: str = ""


PAGES = (
    Page("/navpage.do", "other", 0.0, 30_000),
    Page("/incident_list.do?sysparm_query=active=true^ORDERBYDESCnumber&sysparm_view=", "list", 0.11, 48_000),
    Page("/incident.do?sys_id={}&sysparm_view=", "form", 0.14, 39_000, "incident"),
    Page("/xmlhttp.do", "xmlhttp", 0.23, 1_900),
    Page("/api/now/ui/polaris/menu", "rest", 0.05, 12_000),
    Page("/api/now/ui/history/list", "rest", 0.04, 4_000),
    Page("/now/nav/ui/classic/params/target/incident_list.do", "other", 0.06, 22_000),
    Page("/angular.do?sysparm_type=list_history&table=incident&action=initialize&sys_id={}", "xmlhttp", 0.06, 6_000, "incident", "live_feed.update"),
    Page("/sc_req_item.do?sys_id={}", "form", 0.06, 36_000, "sc_req_item"),
    Page("/change_request.do?sys_id={}", "form", 0.03, 42_000, "change_request"),
    Page("/sn_customerservice_case.do?sys_id={}", "form", 0.03, 40_000, "sn_customerservice_case"),
    Page("/kb_view.do?sys_kb_id={}", "other", 0.04, 25_000, "kb_knowledge", "kb.view"),
    Page("/sp?id=ticket&table=incident&sys_id={}", "other", 0.05, 18_000, "incident"),
    Page("/sys_report_template.do?jvar_report_id={}", "report", 0.02, 60_000, "kb_knowledge", "report.view"),
    Page("/text_search_exact_match.do?sysparm_search=vpn", "text_search", 0.02, 20_000),
    Page("/amb/connect", "amb", 0.04, 400),
    Page("/user_profile.do", "other", 0.02, 15_000, "", "user.view"),
    Page("/sys_attachment.do?sys_id={}", "other", 0.0, 0),
    Page("/sys_attachment.do?view=true&sys_id={}", "other", 0.0, 0),
    Page("/api/now/attachment/{}/file", "rest", 0.0, 0),
    Page("/incident_list.do?CSV&sysparm_query=active=true&sysparm_default_export_fields=all", "export", 0.0, 160_000),
    Page("/task_list.do?EXCEL&sysparm_query=assigned_toISNOTEMPTY", "export", 0.0, 240_000),
)  # fmt: skip
WEIGHTS = [page.weight for page in PAGES]
READ, VIEW, PORTAL, CSV, EXCEL = range(len(PAGES) - 5, len(PAGES))


@dataclass(frozen=True)
class Requests:
    """One position per request; `file` and `record` are -1 where the page names none."""

    session: Ints
    time: Ints
    page: Ints
    record: Ints
    file: Ints
    length: Ints


def _pages(rng: np.random.Generator, company: Company, session: Ints) -> Ints:
    population, people, sessions = company.population, company.people, company.sessions
    page = choose(rng, WEIGHTS, len(session))
    chance, way = rng.random(len(session)), rng.random(len(session))
    user = sessions.user[session]
    fetched = chance < population.downloads_a_request * people.download_factor[user]
    opened = np.where(way < population.portal_download_share, PORTAL, np.where(way < 0.55, VIEW, READ))
    exported = (chance > 1 - population.exports_a_day / REQUESTS_A_DAY) & people.employees[user]
    return np.where(fetched, opened, np.where(exported, np.where(way < 0.5, CSV, EXCEL), page))


def _requests_of_day(rng: np.random.Generator, company: Company, today: Ints) -> Requests:
    sessions, records, files = company.sessions, company.records, company.files
    session = np.repeat(today, sessions.requests[today])
    spread = rng.random(len(session)) ** 1.2 * (sessions.end - sessions.start)[session]
    time = sessions.start[session] + spread.astype(np.int64)
    time = time[np.lexsort((time, session))]
    page = _pages(rng, company, session)
    opening = np.flatnonzero(np.diff(session, prepend=-1))
    page[opening] = 0
    time[opening] = sessions.start[session[opening]] + 1
    record = np.full(len(session), -1, dtype=np.int64)
    for at, kind in enumerate(PAGES):
        if kind.table:
            shown = page == at
            record[shown] = records.draw(rng, kind.table, int(shown.sum()))
    fetched = (page >= READ) & (page <= PORTAL)
    known = files.available(time)
    file = np.where(fetched, (np.sqrt(rng.random(len(session))) * known).astype(np.int64), -1)
    sizes = np.array([page.size for page in PAGES])[page] * rng.lognormal(0, 0.5, len(session))
    length = np.where(fetched, files.size[file], sizes.astype(np.int64))
    return Requests(session, time, page, record, file, length)


def build_requests(company: Company) -> Requests:
    """Every day from its own stream."""
    parts = [
        _requests_of_day(
            company.streams.of("pages", today.isoformat()), company, np.flatnonzero(company.sessions.day == day)
        )
        for day, today in enumerate(company.whereabouts.days)
    ]
    names = ("session", "time", "page", "record", "file", "length")
    return Requests(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def request_rows(company: Company, requests: Requests) -> pl.DataFrame:
    """`syslog_transaction` rows of the requests."""
    records, files, sessions = company.records, company.files, company.sessions
    pages = pl.DataFrame([page.url.partition("{}")[::2] for page in PAGES], schema=["before", "after"], orient="row")
    subject = (
        pl.select(
            pl.when(pl.lit(pl.Series(requests.file)) >= 0)
            .then(pl.lit(files.sys_id.gather(np.maximum(requests.file, 0))))
            .when(pl.lit(pl.Series(requests.record)) >= 0)
            .then(pl.lit(records.sys_id.gather(np.maximum(requests.record, 0))))
            .otherwise(pl.lit(""))
        )
    ).to_series()
    session = requests.session
    return transactions(
        company.streams.of("pages", "rows"),
        requests.time,
        user_name=company.user_names.gather(sessions.user[session]),
        url=pages["before"].gather(requests.page) + subject + pages["after"].gather(requests.page),
        kind=pl.Series([page.kind for page in PAGES]).gather(requests.page),
        address=company.session_addresses.gather(session),
        agent=company.session_agents.gather(session),
        session=sessions.sid.gather(session),
        length=requests.length,
    )


def event_rows(company: Company, requests: Requests) -> list[pl.DataFrame]:
    """`attachment.read` of downloads through the UI, and the noise that views raise."""
    rng, delay = company.streams.of("pages", "events"), company.population.event_update_seconds
    records, files, sessions = company.records, company.files, company.sessions
    user_ids, user_names = company.user_ids, company.user_names
    read = np.flatnonzero((requests.page == READ) | (requests.page == VIEW))
    file, reader = requests.file[read], sessions.user[requests.session[read]]
    parents = pl.Series(TABLES, dtype=pl.String).gather(records.table[files.record])
    reads = events(
        rng, delay, requests.time[read] + rng.integers(0, 2, len(read)),
        name="attachment.read", parm1=pl.Series(files.name, dtype=pl.String).gather(file), parm2=parents.gather(file),
        table="sys_attachment", instance=files.sys_id.gather(file), user_id=user_ids.gather(reader),
        user_name=user_names.gather(reader), uri="/sys_attachment.do",
    )  # fmt: skip
    names = [page.event for page in PAGES]
    noisy = np.flatnonzero(np.array([bool(name) for name in names])[requests.page])
    noisy = noisy[rng.random(len(noisy)) < 0.5]
    viewer = sessions.user[requests.session[noisy]]
    noise = events(
        rng, delay, requests.time[noisy], name=pl.Series(names).gather(requests.page[noisy]),
        parm1="", parm2="", table="incident",
        instance=records.sys_id.gather(np.maximum(requests.record[noisy], 0)),
        user_id=user_ids.gather(viewer), user_name=user_names.gather(viewer),
    )  # fmt: skip
    return [reads, noise]
