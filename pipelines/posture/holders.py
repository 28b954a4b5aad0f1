"""Closures: who holds which role and how, which roles a role is made of, and which tables a table takes its rules from.

A role reaches somebody directly, through a group (or a parent of it), or contained in another role. ServiceNow writes inherited roles into sys_user_has_role itself, but not at once and not on every path; the closure is
therefore computed from the grants, and what the table says is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import duckdb
import ibis
import ibis.expr.types as ir

#: What the closure reads.
ROLE_TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sys_user_has_role": frozenset({"user", "role", "granted_by", "inherited", "state"}),
        "sys_user_grmember": frozenset({"user", "group"}),
        "sys_user_group": frozenset({"sys_id", "parent"}),
        "sys_group_has_role": frozenset({"group", "role"}),
        "sys_user_role": frozenset({"sys_id", "name"}),
        "sys_user_role_contains": frozenset({"role", "contains"}),
    }
)
#: What a role is made of needs no person.
PART_TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {table: ROLE_TABLES[table] for table in ("sys_user_role", "sys_user_role_contains")}
)
LINEAGE_TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"sys_db_object": frozenset({"sys_id", "name", "super_class"})}
)
#: Roles that rule the instance or other accounts; the platform elevates most of them or names them in its own checks.
HIGH_PRIVILEGE = (
    "admin", "security_admin", "user_admin", "impersonator", "oauth_admin", "credential_admin", "background_script_admin",
)  # fmt: skip
_NAME, _PARTS, _LINEAGE = "posture_role_holder", "posture_role_part", "posture_table_lineage"


def build_role_holders(con: duckdb.DuckDBPyConnection, relations: Mapping[str, str]) -> None:
    """A temporary table, one row per user, role and way; `relations` are what DuckDB calls the tables of `ROLE_TABLES`."""
    build_role_parts(con, relations)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_NAME} AS {_sql(relations)}")


def build_role_parts(con: duckdb.DuckDBPyConnection, relations: Mapping[str, str]) -> None:
    """A temporary table, one row per role and role that it is or contains, over any number of steps."""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE {_PARTS} AS
    WITH RECURSIVE parts(role_uid, part_uid) AS (
        SELECT sys_id, sys_id FROM {relations["sys_user_role"]}
        UNION
        SELECT p.role_uid, c.contains
        FROM parts p JOIN {relations["sys_user_role_contains"]} c ON c.role = p.part_uid
    )
    SELECT p.role_uid, r.name AS role, p.part_uid, n.name AS part
    FROM parts p JOIN {relations["sys_user_role"]} r ON r.sys_id = p.role_uid
    JOIN {relations["sys_user_role"]} n ON n.sys_id = p.part_uid""")


def build_table_lineage(con: duckdb.DuckDBPyConnection, relations: Mapping[str, str]) -> None:
    """A temporary table, one row per table and table that it is or extends, over any number of steps."""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE {_LINEAGE} AS
    WITH RECURSIVE above(table_uid, above_uid) AS (
        SELECT sys_id, sys_id FROM {relations["sys_db_object"]}
        UNION
        SELECT a.table_uid, t.super_class
        FROM above a JOIN {relations["sys_db_object"]} t ON t.sys_id = a.above_uid
        WHERE coalesce(t.super_class, '') <> ''
    )
    SELECT a.table_uid, t.name AS above
    FROM above a JOIN {relations["sys_db_object"]} t ON t.sys_id = a.above_uid""")


def role_holders() -> ir.Table:
    """What `build_role_holders` made, as an Ibis table."""
    return ibis.table({"user_uid": "string", "role": "string", "how": "string"}, name=_NAME)


def role_parts() -> ir.Table:
    """What `build_role_parts` made."""
    return ibis.table(dict.fromkeys(("role_uid", "role", "part_uid", "part"), "string"), name=_PARTS)


def table_lineage() -> ir.Table:
    """What `build_table_lineage` made; `above` is a name."""
    return ibis.table({"table_uid": "string", "above": "string"}, name=_LINEAGE)


#: What can be asked for beside the tables: what each needs, and what makes it.
CLOSURES = (
    (ROLE_TABLES, build_role_holders),
    (PART_TABLES, build_role_parts),
    (LINEAGE_TABLES, build_table_lineage),
)


def _sql(t: Mapping[str, str]) -> str:
    return f"""
    WITH RECURSIVE above("group", ancestor) AS (
        SELECT sys_id, sys_id FROM {t["sys_user_group"]}
        UNION
        SELECT a."group", g.parent FROM above a JOIN {t["sys_user_group"]} g ON g.sys_id = a.ancestor
        WHERE coalesce(g.parent, '') <> ''
    ),
    granted(user_uid, role, how) AS (
        SELECT "user", role,
               CASE WHEN coalesce(granted_by, '') <> '' THEN 'group'
                    WHEN lower(coalesce(inherited, '')) IN ('true', '1') THEN 'contained' ELSE 'direct' END
        FROM {t["sys_user_has_role"]}
        WHERE coalesce(state, '') IN ('', 'active') AND coalesce("user", '') <> ''
        UNION
        SELECT m."user", r.role, 'group'
        FROM {t["sys_user_grmember"]} m
        JOIN above a ON a."group" = m."group"
        JOIN {t["sys_group_has_role"]} r ON r."group" = a.ancestor
        WHERE coalesce(m."user", '') <> ''
    )
    SELECT DISTINCT g.user_uid, p.part AS role, CASE WHEN p.part_uid = g.role THEN g.how ELSE 'contained' END AS how
    FROM granted g JOIN {_PARTS} p ON p.role_uid = g.role
    """
