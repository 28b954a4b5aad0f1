"""What can be read, and what cannot: "Connected", or why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.contracts.table import Table
from pipelines.errors import NowguardError
from pipelines.sources.servicenow.client import ServiceNow
from pipelines.sources.servicenow.connect import expires_about
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.keyset import NEVER, TIME
from pipelines.sources.servicenow.page import text_of
from pipelines.sources.servicenow.query import all_of, term
from pipelines.sources.servicenow.release import PROPERTIES, Release, release_of
from pipelines.sources.servicenow.table_api import PageSize, TableUnreadable
from pipelines.window import utc_now

LEAST_TOKEN_LIFE = 3600  # seconds; what the brief asks the registry record for
SAMPLE = 20
MOST_SKEW = 300.0
STALE_AFTER = timedelta(days=5)  # sysevent rotates after seven


@dataclass(frozen=True, slots=True)
class TableCheck:
    """Readability of one table. `rows`: as the instance counts them, blind to ACLs; None where it does not say."""

    table: str
    state: str  # ok, denied, missing, failed
    rows: int | None
    missing_columns: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    connected: bool
    verdict: str
    exit_code: int
    instance: str
    release: Release | None = None
    build: str = ""
    skew_seconds: float | None = None
    token_life_seconds: int | None = None
    refresh_ends: datetime | None = None
    ranges_work: bool | None = None
    tables: tuple[TableCheck, ...] = ()
    posture: tuple[TableCheck, ...] = ()  # tables that recommendations alone ask for
    missing_rights: tuple[str, ...] = ()  # read rules that the account lacks: `table: read`, `table.column: read`
    blind: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def facts(self) -> Iterator[tuple[str, str]]:
        """(what, value) for a person."""
        yield "instance", self.instance
        yield (
            "release",
            self.release.name if self.release else f"unknown ({self.build or 'the build property is not readable'})",
        )
        yield "clock skew", "-" if self.skew_seconds is None else f"{self.skew_seconds:+.0f} s against this machine"
        yield "access token life", "-" if self.token_life_seconds is None else f"{self.token_life_seconds} s left"
        yield (
            "refresh token ends",
            "-" if self.refresh_ends is None else f"about {self.refresh_ends:%Y-%m-%d} (default life of 100 days)",
        )
        yield "range filters", {None: "-", True: "work", False: "refused: extraction cannot page"}[self.ranges_work]


def check(
    connection: Connection, tables: Sequence[Table], *, posture: Sequence[Table] = (), token_file: Path | None = None,
    pace: Pace | None = None,
) -> CheckReport:  # fmt: skip
    """Ask for one page of every table. Never raises for what the instance says: the report carries it.

    `posture` are tables that recommendations alone ask for: without them states are unknown, no policy is blind.
    """
    try:
        with ServiceNow(connection, pace) as source:
            return _look(source, connection, tables, posture, token_file)
    except NowguardError as error:
        return CheckReport(
            False, f"Not connected: {error.cause} (fix: {error.remedy})", error.exit_code, connection.instance
        )


def _look(
    source: ServiceNow,
    connection: Connection,
    tables: Sequence[Table],
    posture: Sequence[Table],
    token_file: Path | None,
) -> CheckReport:
    source.auth.header()
    skew = (source.now() - utc_now()).total_seconds()
    found = tuple(_table(source, table) for table in tables)
    asked = tuple(_table(source, table) for table in posture)
    build = _build(source)
    life = None if connection.auth == "basic" else source.auth.token().expires_in
    ends = expires_about(token_file) if token_file else None
    ranges = _ranges_work(source)
    readable = [t for t in found if t.state == "ok"]
    said = "Connected" if readable else "Not connected: the account may read none of the tables"
    return CheckReport(
        bool(readable), said, 0 if readable else 3, connection.instance, release_of(build), build, skew, life, ends, ranges,
        found, asked, tuple(_missing_rights((*found, *asked))), tuple(_blind(found)), tuple(_warnings(skew, life, ends, ranges, release_of(build), connection)),
    )  # fmt: skip


def _table(source: ServiceNow, table: Table) -> TableCheck:
    assert table.source is not None
    name, columns = table.source.table, tuple(table.wire_columns)
    size = PageSize(SAMPLE, 20.0)
    query = "ORDERBYDESCsys_created_on" if table.source.mode == "append" else table.source.query
    if table.source.history_days:
        # a rotated table is asked with a time range: without one the instance unions every shard
        query = all_of(term("sys_created_on", ">=", source.now() - timedelta(days=table.source.history_days)), query)
    try:
        page, _ = source.api.page(name, query, columns, size, count=True)
    except TableUnreadable as problem:
        return TableCheck(name, problem.state, None, reason=problem.reason)
    if not page.rows:
        if page.total:
            return TableCheck(
                name, "denied", page.total, reason="rows exist and none is shown: no read access (row ACL)"
            )
        return TableCheck(name, "ok", page.total or 0, reason="no rows")
    carried = {key for row in page.objects() for key in row}
    return TableCheck(name, "ok", page.total, tuple(c for c in columns if c not in carried))


def _build(source: ServiceNow) -> str:
    """The build tag from the first property that is readable; empty where none is."""
    query = term("name", "IN", ",".join(PROPERTIES))
    try:
        page, _ = source.api.page("sys_properties", query, ("sys_id", "name", "value"), PageSize(10, 20.0))
    except TableUnreadable:
        return ""
    values = {text_of(row, "name"): text_of(row, "value") for row in page.objects()}
    return next((values[name] for name in PROPERTIES if values.get(name)), "")


def _ranges_work(source: ServiceNow) -> bool | None:
    try:
        return not source.api.drops_ranges("sysevent", TIME, NEVER)
    except TableUnreadable:
        return None


def _blind(tables: Sequence[TableCheck]) -> Iterator[str]:
    for found in tables:
        if found.state != "ok":
            yield f"{found.table}: {found.reason}"
        elif found.missing_columns:
            yield f"{found.table}: columns not shown: {', '.join(found.missing_columns)}"


def _missing_rights(tables: Sequence[TableCheck]) -> Iterator[str]:
    """As `mart.posture` names them in `missing_acls`, and the least-privilege page explains them."""
    for found in tables:
        if found.state == "denied":
            yield f"{found.table}: read"
        yield from (f"{found.table}.{column}: read" for column in found.missing_columns)


def _warnings(
    skew: float,
    life: int | None,
    ends: datetime | None,
    ranges: bool | None,
    release: Release | None,
    connection: Connection,
) -> Iterator[str]:
    if abs(skew) > MOST_SKEW:
        yield f"the instance's clock differs by {skew:+.0f} s from this machine's: days are cut by the instance's"
    if life is not None and life < LEAST_TOKEN_LIFE:
        yield f"the access token has {life} s left; set Access Token Lifespan to at least {LEAST_TOKEN_LIFE} in the Application Registry"
    if ends is not None and ends - utc_now() < timedelta(days=14):
        yield f"the refresh token ends about {ends:%Y-%m-%d}: run `nowguard connect` before"
    if ranges is False:
        yield "a filter on sys_created_on is ignored for this account: grant it the query_range right (query ACL)"
    if release is not None and connection.auth not in release.grants:
        yield f"{release.name} is not known to offer {connection.auth}; it offers {', '.join(release.grants)}"
