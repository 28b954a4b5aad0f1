"""By which way a role that rules the instance reaches somebody: the shortest path of names, found level by level.

Nested roles and groups are whatever the instance's administrators made of them, circles included. One path per pair is
kept at each level, so that the work grows with the pairs and not with the number of ways through them.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

DEPTH = 40  # levels that are told one by one; what lies deeper is held all the same, and its path says so
OMITTED = "..."


def build_ways(con: duckdb.DuckDBPyConnection, relations: Mapping[str, str], roles: tuple[str, ...]) -> str:
    """A temporary table, one row per account, role of `roles`, way and entry; returns its name.

    `how` is direct, group or contained, as in `pipelines.posture.holders`, whose tables must have been built; `entry_uid`
    is the role or group that the account has itself; `path` goes from there to the role, each step as `group: name` or
    `role: name`.
    """
    role, group = relations["sys_user_role"], relations["sys_user_group"]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE posture_role_path AS SELECT sys_id AS entry, sys_id AS target, name AS role, "
        f"['role: ' || name] AS path FROM {role} WHERE name IN (SELECT unnest($roles))",
        {"roles": list(roles)},
    )
    contains = f"SELECT c.role AS outer_uid, c.contains AS inner_uid FROM {relations['sys_user_role_contains']} c"
    _walk(con, "posture_role_path", contains, f"SELECT sys_id, 'role: ' || coalesce(name, sys_id) AS said FROM {role}")
    con.execute(_DEEPER)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE posture_group_path AS
        SELECT DISTINCT g.sys_id AS entry, g.sys_id AS target, '' AS role, ['group: ' || coalesce(g.name, g.sys_id)] AS path
        FROM {group} g JOIN {relations["sys_group_has_role"]} r ON r."group" = g.sys_id
        WHERE r.role IN (SELECT entry FROM posture_role_path)"""
    )
    children = f"SELECT sys_id AS outer_uid, parent AS inner_uid FROM {group} WHERE coalesce(parent, '') <> ''"
    _walk(
        con, "posture_group_path", children, f"SELECT sys_id, 'group: ' || coalesce(name, sys_id) AS said FROM {group}"
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE posture_way AS {_ways(relations)}")
    return "posture_way"


def _walk(con: duckdb.DuckDBPyConnection, paths: str, edges: str, names: str) -> None:
    """Add to `paths` whatever leads to it over `edges`, a level at a time; of several equally short ones the first by name."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE posture_edge AS SELECT e.*, n.said FROM ({edges}) e JOIN ({names}) n ON n.sys_id = outer_uid"
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE posture_frontier AS FROM {paths}")
    for _ in range(DEPTH):
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE posture_frontier AS
            SELECT e.outer_uid AS entry, f.target, any_value(f.role) AS role, min(list_prepend(e.said, f.path)) AS path
            FROM posture_frontier f JOIN posture_edge e ON e.inner_uid = f.entry
            ANTI JOIN {paths} known ON known.entry = e.outer_uid AND known.target = f.target
            GROUP BY e.outer_uid, f.target"""
        )
        con.execute(f"INSERT INTO {paths} FROM posture_frontier")
        if not con.execute("SELECT count(*) FROM posture_frontier").fetchall()[0][0]:
            return


#: Pairs that lie deeper than is told: the closure knows them.
_DEEPER = f"""
INSERT INTO posture_role_path
SELECT p.role_uid, p.part_uid, p.part, ['role: ' || coalesce(p.role, p.role_uid), '{OMITTED}', 'role: ' || p.part]
FROM posture_role_part p
ANTI JOIN posture_role_path known ON known.entry = p.role_uid AND known.target = p.part_uid
WHERE p.part_uid IN (SELECT target FROM posture_role_path)
"""


def _ways(t: Mapping[str, str]) -> str:
    """Grants to the account, by its groups, and what the platform wrote down itself where nothing explains it."""
    return f"""
    WITH granted AS (
        SELECT "user" AS user_uid, role, coalesce(granted_by, '') AS granted_by,
               lower(coalesce(inherited, '')) IN ('true', '1') AS is_inherited
        FROM {t["sys_user_has_role"]}
        WHERE coalesce(state, '') IN ('', 'active') AND coalesce("user", '') <> ''
    ), explained AS (
        SELECT g.user_uid, p.role, CASE WHEN p.entry = p.target THEN 'direct' ELSE 'contained' END AS how, g.role AS entry_uid, p.path
        FROM granted g JOIN posture_role_path p ON p.entry = g.role
        WHERE g.granted_by = '' AND NOT g.is_inherited
        UNION ALL
        SELECT m."user", p.role, CASE WHEN p.entry = p.target THEN 'group' ELSE 'contained' END, m."group", list_concat(a.path, p.path)
        FROM {t["sys_user_grmember"]} m
        JOIN posture_group_path a ON a.entry = m."group"
        JOIN {t["sys_group_has_role"]} r ON r."group" = a.target
        JOIN posture_role_path p ON p.entry = r.role
        WHERE coalesce(m."user", '') <> ''
    ), written AS (
        SELECT g.user_uid, p.role, CASE WHEN p.entry <> p.target OR g.granted_by = '' THEN 'contained' ELSE 'group' END AS how,
               coalesce(nullif(g.granted_by, ''), g.role) AS entry_uid,
               CASE WHEN g.granted_by = '' THEN p.path ELSE list_prepend('group: ' || coalesce(s.name, g.granted_by), p.path) END AS path
        FROM granted g JOIN posture_role_path p ON p.entry = g.role
        LEFT JOIN {t["sys_user_group"]} s ON s.sys_id = g.granted_by
        WHERE g.granted_by <> '' OR g.is_inherited
    ), unexplained AS (
        SELECT w.* FROM written w ANTI JOIN explained e ON e.user_uid = w.user_uid AND e.role = w.role
    )
    SELECT user_uid, role, how, entry_uid, min_by(path, (len(path), path)) AS path
    FROM (FROM explained UNION ALL FROM unexplained)
    GROUP BY user_uid, role, how, entry_uid
    """
