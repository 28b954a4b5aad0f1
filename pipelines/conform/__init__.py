"""Raw ServiceNow rows -> `core__activity` (before enrichment), `core__user` and `core__identity`.

Each module knows one family of activities and says it in SQL over the working copies of `staging`; the folder's order of
work is: stage, name accounts, prepare, gather, attribute. See docs/explanation/activities.md for the derivation table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import duckdb

from pipelines.conform import (
    accounts,
    attribution,
    downloads,
    exports,
    impersonation,
    logins,
    mail,
    people,
    records,
    requests,
    roles,
    sessions,
    uploads,
    views,
)
from pipelines.conform.edges import edge
from pipelines.conform.identities import identities
from pipelines.conform.people import users
from pipelines.conform.shape import SHAPE
from pipelines.conform.staging import PREVIOUS, REQUIRED, has_view, run, stage

__all__ = ["PREVIOUS", "REQUIRED", "activities", "edge", "identities", "users"]

_FAMILIES = (logins, sessions, downloads, uploads, exports, requests, accounts, roles, records, mail, views)
_PREPARED = (logins, downloads, exports, accounts, roles, records, impersonation)


def activities(
    con: duckdb.DuckDBPyConnection, instance: str, day: date, *, own_user_names: Iterable[str] = ()
) -> duckdb.DuckDBPyRelation:
    """The activities whose time lies in the UTC `day`, attributed, not enriched; one row per `activity_uid`.

    `con` holds views or tables named as the raw contracts, with the days around `day` that `REQUIRED` asks for; one that
    is missing counts as empty. Where `raw_servicenow__sys_user__previous` (`sys_user_has_role`, `sys_user_grmember`) is
    given as well, the difference of the two snapshots is activity of the day. `own_user_names` mark our own traffic.
    """
    cut = stage(con, day)
    given: Mapping[str, object] = {
        **cut, "instance": instance, "day": str(day), "own": sorted({name.strip().lower() for name in own_user_names}) or [""],
    }  # fmt: skip
    people.directory(con)
    for family in _PREPARED:
        for statement in family.PREPARE:
            run(con, statement, given)
    _compare_snapshots(con, day, given)
    _gather(con, given)
    for statement in (*impersonation.RESOLVE, *attribution.RESOLVE):
        run(con, statement, given)
    return con.table("conform_activity")


def _compare_snapshots(con: duckdb.DuckDBPyConnection, day: date, given: Mapping[str, object]) -> None:
    """Only where today's snapshot is of the day: a later one says nothing about when things changed."""
    if not people.is_observed(con, day):
        return
    if has_view(con, "raw_servicenow__sys_user__previous"):
        for statement in accounts.COMPARE:
            run(con, statement, given)
    for table, statement in roles.COMPARE.items():
        if has_view(con, f"{table}__previous"):
            run(con, statement, given)


def _gather(con: duckdb.DuckDBPyConnection, given: Mapping[str, object]) -> None:
    """All families into `conform_found`, one after the other: each SELECT stays small and DuckDB streams it."""
    columns = ", ".join(f"{name} {kind}" for name, kind in SHAPE.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE conform_found ({columns})")
    for family in _FAMILIES:
        for statement in family.ACTIVITIES:
            run(con, f"INSERT INTO conform_found {statement}", given)
