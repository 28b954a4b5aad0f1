"""Who holds which role, and how: directly, through a group (or a parent of it), or contained in another role.

ServiceNow writes inherited roles into sys_user_has_role itself, but not at once and not on every path; the closure is
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
_NAME = "posture_role_holder"


def build_role_holders(con: duckdb.DuckDBPyConnection, relations: Mapping[str, str]) -> None:
    """A temporary table, one row per user, role and way; `relations` are what DuckDB calls the tables of `ROLE_TABLES`."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_NAME} AS {_sql(relations)}")


def role_holders() -> ir.Table:
    """What `build_role_holders` made, as an Ibis table."""
    return ibis.table({"user_uid": "string", "role": "string", "how": "string"}, name=_NAME)


def _sql(t: Mapping[str, str]) -> str:
    return f"""
    WITH RECURSIVE
    parts(role, contained) AS (
        SELECT sys_id, sys_id FROM {t["sys_user_role"]}
        UNION
        SELECT p.role, c.contains FROM parts p JOIN {t["sys_user_role_contains"]} c ON c.role = p.contained
    ),
    above("group", ancestor) AS (
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
    SELECT DISTINCT g.user_uid, n.name AS role, CASE WHEN p.contained = g.role THEN g.how ELSE 'contained' END AS how
    FROM granted g JOIN parts p ON p.role = g.role JOIN {t["sys_user_role"]} n ON n.sys_id = p.contained
    """
