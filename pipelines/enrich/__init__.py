"""Adds to attributed activities what ServiceNow does not know: place, network, categories, client, and who the actor was.

Everything is looked up once per distinct value and joined back; nothing here reads a clock or the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.enrich.address_lists import AddressLists, Problem
from pipelines.enrich.addresses import Addresses
from pipelines.enrich.geography import DataAge, Geography
from pipelines.enrich.profiles import CHANGES, PROFILE
from pipelines.enrich.user_agents import UserAgents
from pipelines.window import Window

__all__ = ["AddressLists", "Addresses", "DataAge", "Enricher", "Geography", "Problem", "UserAgents"]

#: Raised by hand when the meaning of an enriched column changes: partitions are then stale.
VERSION = "2"

# where each enriched column comes from; every other column is the activity's own
_COLUMNS = {
    "is_interactive": """CASE WHEN g.agent_kind IN ('api', 'bot') THEN false
        WHEN a.is_interactive IS NOT NULL THEN a.is_interactive
        WHEN g.agent_kind IN ('browser', 'mobile') THEN true
        WHEN u.is_integration THEN false END""",
    "ip_categories": "COALESCE(c.ip_categories, [])",
    "ip_confidence": "c.",
    "agent_kind": "COALESCE(g.agent_kind, 'unknown')",
    # switched off at a time that nobody told: before the row's last change it may well have been on
    "is_account_active": """CASE WHEN s.user_uid IS NOT NULL THEN s.is_active
        WHEN NOT u.is_active AND a.time < u.updated_at THEN NULL ELSE u.is_active END""",
    "profile_source": "COALESCE(u.profile_source, 'unknown')",
    **dict.fromkeys(("country", "city", "latitude", "longitude", "asn", "as_org"), "p."),
    **dict.fromkeys(("device_key", "agent_family", "os_family"), "g."),
    **dict.fromkeys(("department", "is_external", "is_integration", "is_privileged"), "u."),
}


class Enricher:
    """Reads its files once; `apply` then works on any number of days.

    `geo_db` and `asn_db` are MMDB files (or folders of them) in GeoLite2 or DB-IP layout, `ip_lists` a folder of
    `<category>.txt|.netset|.csv`. What is absent or broken gives nulls, and `age` says why.
    """

    def __init__(
        self,
        *,
        geo_db: Path | None = None,
        asn_db: Path | None = None,
        ip_lists: Path | None = None,
        look_back: timedelta = timedelta(days=3),
    ) -> None:
        self.geography = Geography(geo_db, asn_db)
        self.lists = AddressLists(ip_lists, look_back)
        self.agents = UserAgents()

    @property
    def revision(self) -> str:
        """A digest of everything that `apply` uses besides its input."""
        return _digest(VERSION, self.geography.revision(), self.lists.revision())

    def revision_of(self, day: date) -> str:
        """The same for one day: a listing that cannot match any moment of it does not count."""
        window = Window.of_day(day)
        return _digest(VERSION, self.geography.revision(), self.lists.revision_of(window.start, window.end))

    def age(self) -> tuple[DataAge, ...]:
        """City data, network data, IP lists: when each was made, or why it is missing."""
        return (self.geography.city.age(), self.geography.asn.age(), self.lists.age())

    def stale(self, as_of: datetime, limit: timedelta = timedelta(days=90)) -> tuple[str, ...]:
        """What coverage says of the data as of an instant: one sentence per source that is missing or too old."""
        return tuple(text for text in (_complaint(source, as_of, limit) for source in self.age()) if text)

    @property
    def problems(self) -> Sequence[Problem]:
        """Lines of the IP lists that were skipped."""
        return tuple(self.lists.problems)

    def apply(
        self,
        con: duckdb.DuckDBPyConnection,
        activities: duckdb.DuckDBPyRelation | str,
        *,
        users: str = "core__user",
    ) -> duckdb.DuckDBPyRelation:
        """`activities` (a relation, or the name of a table or view) with exactly the columns of `core__activity`.

        `users` names the `core__user` of the same day; without it profiles are `unknown`.
        """
        name = activities if isinstance(activities, str) else activities.alias
        source = con.table(name) if isinstance(activities, str) else activities
        source.create_view("enrich_input", replace=True)
        addresses = Addresses.of(_distinct(con, "src_ip"))
        _keep(con, "enrich_place", self.geography.locate(addresses))
        _keep(con, "enrich_category", self.lists.segments(addresses))
        _keep(con, "enrich_agent", self.agents.describe(_distinct(con, "user_agent")))
        _profiles(con, users)
        return con.sql(_statement())


def _statement() -> str:
    fields = contract("core__activity").all_fields
    shown = []
    for field in fields:
        how = _COLUMNS.get(field.name, "a.")
        shown.append(f"CAST({how + field.name if how.endswith('.') else how} AS {field.duckdb}) AS {field.name}")
    return f"""SELECT {", ".join(shown)} FROM enrich_input a
        LEFT JOIN enrich_place p ON p.ip = a.src_ip
        LEFT JOIN enrich_category c ON c.ip = a.src_ip AND a.time >= c.valid_from AND a.time < c.valid_to
        LEFT JOIN enrich_agent g ON g.user_agent = a.user_agent
        LEFT JOIN enrich_profile u ON u.user_uid = a.actor_user_uid
        LEFT JOIN enrich_change s ON s.user_uid = a.actor_user_uid AND a.time >= s.valid_from AND a.time < s.valid_to"""


def _distinct(con: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    sql = f"SELECT DISTINCT {column} FROM enrich_input WHERE {column} IS NOT NULL"
    found: list[str] = con.sql(sql).to_arrow_table().column(0).to_pylist()
    return found


def _keep(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    con.register("enrich_arrow", table)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM enrich_arrow").fetchall()
    con.unregister("enrich_arrow")


def _profiles(con: duckdb.DuckDBPyConnection, users: str) -> None:
    known = con.execute("SELECT 1 FROM duckdb_columns() WHERE table_name = ? LIMIT 1", [users]).fetchall()
    if not known:
        _keep(con, "enrich_no_user", contract("core__user").arrow_schema().empty_table())
    con.execute(PROFILE.format(users=f'"{users}"' if known else "enrich_no_user")).fetchall()
    con.execute(CHANGES).fetchall()


def _complaint(source: DataAge, as_of: datetime, limit: timedelta) -> str:
    if source.reason:
        return source.reason
    if source.built_at and as_of - source.built_at > limit:
        return f"{source.name} data is {(as_of - source.built_at).days} days old"
    return ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
