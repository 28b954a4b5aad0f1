"""`out__access`: who holds what rules the instance, by which way, and accounts that should not be as they are.

Grain: one account, role and way; times are days. Source: the day's snapshot of accounts and roles, and where it was read
the identity provider's word (`core__identity`). Nothing is said where accounts or roles cannot be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import conform
from pipelines.posture.core import TableView
from pipelines.posture.holders import HIGH_PRIVILEGE, ROLE_TABLES, build_role_holders
from pipelines.posture.paths import build_ways
from pipelines.posture.reading import Obstacle, Reading
from pipelines.posture.relations import Reads

ASLEEP_DAYS, NEW_DAYS = 180, 30  # as D13 counts them
ALUMNI = "sn_hr_core.hrsm_alumni"
_ACCOUNT = (
    "sys_id", "user_name", "active", "locked_out", "web_service_access_only", "internal_integration_user", "source",
    "last_login_time", "sys_created_on", "sys_class_name",
)  # fmt: skip
NEEDED: Reads = {
    **ROLE_TABLES,
    "sys_user_group": ROLE_TABLES["sys_user_group"] | {"name"},
    "sys_user": frozenset(_ACCOUNT),
}
_FACTORS: Reads = {"user_multifactor_auth": frozenset({"user", "validated"})}


def access(
    con: duckdb.DuckDBPyConnection,
    instance: str,
    day: date,
    tables: Mapping[str, TableView],
    identities: str = "",
) -> pa.Table | Obstacle:
    """Rows of `out__access`, or what keeps them from being known. `identities` is a relation of `core__identity`, or empty."""
    reading = Reading(con, tables, day)
    if obstacle := reading.obstacle(NEEDED):
        return obstacle
    build_role_holders(con, {table: tables[table].relation for table in ROLE_TABLES})
    relations = {table: tables[table].relation for table in (*ROLE_TABLES, "sys_user")}
    ways = build_ways(con, relations, HIGH_PRIVILEGE)
    factors = tables["user_multifactor_auth"].relation if reading.obstacle(_FACTORS) is None else ""
    sql = _rows(ways, tables["sys_user"].relation, factors, identities)
    found = con.sql(sql, params={"instance": instance, "day": day}).to_arrow_table()
    return conform(contract("out__access"), found)


def _rows(ways: str, users: str, factors: str, identities: str) -> str:
    enrolled = f'SELECT DISTINCT "user" AS user_uid FROM {factors} WHERE {_on("validated")}' if factors else _NOBODY
    told = _TOLD.format(identities=identities) if identities else _NOBODY_TOLD
    return f"""
    WITH outside AS (
        SELECT DISTINCT user_uid FROM posture_role_holder WHERE role = 'snc_external'
    ), inside AS (
        SELECT h.user_uid, list_sort(list(DISTINCT h.role)) AS internal_roles
        FROM posture_role_holder h JOIN outside USING (user_uid)
        ANTI JOIN (SELECT part FROM posture_role_part WHERE role = 'snc_external') brought ON brought.part = h.role
        WHERE h.role IS NOT NULL
        GROUP BY h.user_uid
    ), alumni AS (
        SELECT DISTINCT user_uid FROM posture_role_holder WHERE role = '{ALUMNI}'
    ), enrolled AS ({enrolled}), told AS ({told}),
    account AS (
        SELECT u.sys_id AS user_uid, u.user_name, {_on("u.active")} AS is_active, {_on("u.locked_out")} AS is_locked_out,
               {_on("u.web_service_access_only")} OR {_on("u.internal_integration_user")} AS is_service,
               o.user_uid IS NOT NULL OR coalesce(u.sys_class_name, '') = 'customer_contact' AS is_external, i.internal_roles,
               e.user_uid IS NOT NULL AS is_enrolled, trim(coalesce(u.source, '')) <> '' AS is_of_directory,
               trim(coalesce(u.last_login_time, '')) = '' AS is_never_used,
               date_diff('day', try_cast(left(trim(u.last_login_time), 10) AS DATE), $day::DATE) AS idle_days,
               date_diff('day', try_cast(left(trim(u.sys_created_on), 10) AS DATE), $day::DATE) AS age_days,
               CASE WHEN a.user_uid IS NOT NULL THEN true ELSE t.has_left END AS has_left
        FROM {users} u LEFT JOIN outside o ON o.user_uid = u.sys_id LEFT JOIN inside i ON i.user_uid = u.sys_id
        LEFT JOIN enrolled e ON e.user_uid = u.sys_id LEFT JOIN alumni a ON a.user_uid = u.sys_id
        LEFT JOIN told t ON t.user_uid = u.sys_id
        WHERE coalesce(u.sys_id, '') <> ''
    ), flagged AS (
        SELECT * EXCLUDE (is_enrolled, is_of_directory, has_left, age_days, internal_roles),
               CASE WHEN is_external THEN coalesce(internal_roles, []) END AS internal_roles,
               CASE WHEN is_enrolled THEN true WHEN is_service OR is_of_directory OR {not factors} THEN NULL ELSE false END
                   AS has_second_factor,
               is_active AND NOT is_service AND CASE WHEN is_never_used THEN coalesce(age_days, {NEW_DAYS}) >= {NEW_DAYS}
                   ELSE coalesce(idle_days >= {ASLEEP_DAYS}, false) END AS is_dormant,
               CASE WHEN is_active THEN has_left ELSE false END AS is_leaver
        FROM account
    )
    SELECT $instance AS instance, $day::DATE AS event_date, f.*, coalesce(w.role, '') AS role, coalesce(w.how, '') AS how,
           coalesce(w.entry_uid, '') AS entry_uid, w.path
    FROM flagged f LEFT JOIN {ways} w USING (user_uid)
    WHERE w.role IS NOT NULL OR (f.is_active AND (f.is_dormant OR coalesce(f.is_leaver, false) OR len(f.internal_roles) > 0))
    ORDER BY user_uid, role, how, entry_uid
    """


def _on(column: str) -> str:
    return f"(lower(trim(coalesce({column}, ''))) IN ('true', '1'))"


_NOBODY = "SELECT NULL::VARCHAR AS user_uid WHERE false"
_NOBODY_TOLD = "SELECT NULL::VARCHAR AS user_uid, NULL::BOOLEAN AS has_left WHERE false"
#: Only an account that the directory knows: of the others it says nothing.
_TOLD = """
    SELECT user_uid, coalesce(is_deleted, false) OR coalesce(NOT is_enabled, false) OR coalesce(leave_at <= $day::TIMESTAMP + INTERVAL 1 DAY, false)
        AS has_left
    FROM {identities} WHERE match_state = 'matched'
"""
