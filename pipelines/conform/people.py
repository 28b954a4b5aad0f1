"""Accounts: who a name or a sys_id is, and `core__user` as of the end of a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import duckdb

from pipelines.conform.staging import MACROS, SNAPSHOTS, _exist, has_view

#: Roles by their well-known ids, for instances whose role table cannot be read.
KNOWN_ROLES = {
    "2831a114c611228501d4ea6c309d626d": "admin",
    "b2d8f7130a0a0baa5bf52498ecaadeb4": "security_admin",
    "bca873d30a000704013944bd9a5e03a4": "impersonator",
    "88a98433d7112100f20bc8170e61033e": "oauth_admin",
    "940ba702933002009c8579b4f47ffbe2": "snc_external",
}
PRIVILEGED = ("admin", "security_admin", "impersonator", "oauth_admin")

# a name belongs to one account: the active one, else the oldest; names that only events know come last
_DIRECTORY = """
CREATE OR REPLACE TEMP TABLE conform_name AS
WITH known AS (
  SELECT key_of(user_name) AS user_key, sys_id AS user_uid, trim(user_name) AS user_name,
         active <> 'true' AS late, sys_created_on AS since
  FROM raw_servicenow__sys_user WHERE trim(user_name) <> '' AND sys_id <> ''
), seen AS (
  SELECT DISTINCT key_of(user_name) AS user_key, user_id AS user_uid, user_name, true AS late, '~' AS since
  FROM conform_event WHERE user_id IS NOT NULL AND user_name IS NOT NULL AND in_day
)
SELECT DISTINCT ON (user_key) user_key, user_uid, user_name FROM (FROM known UNION ALL FROM seen)
ORDER BY user_key, late NULLS LAST, since, user_uid, user_name
"""
_IDS = """
CREATE OR REPLACE TEMP TABLE conform_id AS
SELECT DISTINCT ON (user_uid) user_uid, user_name FROM (
  SELECT sys_id AS user_uid, trim(user_name) AS user_name, 0 AS late FROM raw_servicenow__sys_user
  WHERE trim(user_name) <> '' AND sys_id <> ''
  UNION ALL SELECT user_uid, user_name, 1 FROM conform_name
) ORDER BY user_uid, late, user_name
"""


def directory(con: duckdb.DuckDBPyConnection) -> None:
    """`conform_name` (lower-case name -> account) and `conform_id` (sys_id -> name), each unique on its first column."""
    con.execute(_DIRECTORY).fetchall()
    con.execute(_IDS).fetchall()


_PAIRS = ", ".join(f"('{uid}', '{name}')" for uid, name in KNOWN_ROLES.items())
_NAMED = ", ".join(f"'{name}'" for name in PRIVILEGED)

_USERS = f"""
WITH role_name AS (
  SELECT sys_id, any_value(name) AS name FROM (
    SELECT sys_id, NULLIF(name, '') AS name FROM raw_servicenow__sys_user_role
    UNION ALL SELECT * FROM (VALUES {_PAIRS}) AS known(sys_id, name))
  WHERE name IS NOT NULL GROUP BY sys_id
), held AS (
  SELECT h."user" AS user_uid, list_sort(list(DISTINCT COALESCE(r.name, h.role))) AS names
  FROM raw_servicenow__sys_user_has_role h LEFT JOIN role_name r ON r.sys_id = h.role
  WHERE COALESCE(h.state, '') NOT IN ('inactive', 'requested') AND COALESCE(h.sys_created_on, '') < $end AND h.role <> ''
  GROUP BY h."user"
), member AS (
  SELECT "user" AS user_uid, list_sort(list(DISTINCT "group")) AS uids FROM raw_servicenow__sys_user_grmember
  WHERE COALESCE(sys_created_on, '') < $end AND "group" <> '' GROUP BY "user"
), known AS (SELECT EXISTS (FROM raw_servicenow__sys_user_has_role) AS roles, EXISTS (FROM raw_servicenow__sys_user_grmember) AS groups),
account AS (
  SELECT DISTINCT ON (sys_id) *, event_date = $day AS is_observed FROM (<accounts>)
  WHERE sys_id <> '' AND COALESCE(sys_created_on, '') < $end ORDER BY sys_id, sys_updated_on DESC
)
SELECT $instance AS instance, CAST($day AS DATE) AS event_date, u.sys_id AS user_uid, NULLIF(trim(u.user_name), '') AS user_name,
       registrable(u.email) AS email_domain,
       CASE WHEN u.active = 'true' THEN true
            -- switched off after the day: what it was then is not known, and must not be read as "already left"
            WHEN u.active = 'false' AND NOT is_observed AND u.sys_updated_on >= $end THEN NULL
            WHEN u.active = 'false' THEN false END AS is_active,
       CASE u.locked_out WHEN 'true' THEN true WHEN 'false' THEN false END AS is_locked_out,
       CASE WHEN NOT is_observed THEN NULL WHEN u.password_needs_reset = 'false' OR trim(u.source) <> '' THEN false
            WHEN u.password_needs_reset = 'true' AND trim(u.source) = '' THEN true END AS is_password_reset_due,
       CASE WHEN u.internal_integration_user = 'true' OR u.web_service_access_only = 'true' THEN true
            WHEN u.internal_integration_user = 'false' OR u.web_service_access_only = 'false' THEN false END AS is_integration,
       CASE WHEN u.sys_class_name = 'customer_contact' THEN true
            WHEN known.roles THEN list_contains(COALESCE(held.names, []), 'snc_external') END AS is_external,
       CASE WHEN known.roles THEN list_has_any(COALESCE(held.names, []), [{_NAMED}]) END AS is_privileged,
       NULLIF(u.department, '') AS department, NULLIF(u.manager, '') AS manager_uid, NULLIF(u.title, '') AS title,
       NULLIF(u.country, '') AS country, NULLIF(u.time_zone, '') AS time_zone,
       CASE WHEN known.roles THEN COALESCE(held.names, []) END AS role_names,
       CASE WHEN known.groups THEN COALESCE(member.uids, []) END AS group_uids,
       TRY_CAST(u.sys_created_on AS TIMESTAMP) AS created_at, TRY_CAST(NULLIF(u.sys_updated_on, '') AS TIMESTAMP) AS updated_at,
       -- the platform overwrites it at each login: the day's own says nothing of the time before
       CASE WHEN TRY_CAST(u.last_login_time AS TIMESTAMP) < CAST($day AS DATE) THEN TRY_CAST(u.last_login_time AS TIMESTAMP)
            ELSE before.at END AS last_login_at,
       CASE WHEN is_observed THEN 'observed' ELSE 'reconstructed' END AS profile_source
FROM account u CROSS JOIN known
LEFT JOIN (<before>) AS before ON before.user_uid = u.sys_id
LEFT JOIN held ON held.user_uid = u.sys_id LEFT JOIN member ON member.user_uid = u.sys_id
ORDER BY user_uid
"""

# without a public suffix list: two labels, three under a country's usual second level (co.uk, com.br)
_REGISTRABLE = """CREATE OR REPLACE TEMP MACRO registrable(mail) AS (
  SELECT CASE WHEN len(p) < 2 OR NOT contains(mail, '@') THEN NULL
              WHEN len(p) > 2 AND length(p[-1]) = 2
                AND p[-2] IN ('co', 'com', 'org', 'net', 'gov', 'ac', 'edu', 'or', 'ne', 'go', 'gob', 'gv')
              THEN array_to_string(p[-3:], '.') ELSE array_to_string(p[-2:], '.') END
  FROM (SELECT string_split(lower(trim(split_part(mail, '@', -1))), '.') AS p))"""

_GONE = """
 UNION ALL SELECT old.* REPLACE ('false' AS active, CAST($day AS DATE) AS event_date)
 FROM raw_servicenow__sys_user__previous old ANTI JOIN raw_servicenow__sys_user USING (sys_id)"""

_BEFORE = """SELECT sys_id AS user_uid, max(TRY_CAST(last_login_time AS TIMESTAMP)) AS at FROM raw_servicenow__sys_user__previous
  WHERE TRY_CAST(last_login_time AS TIMESTAMP) < CAST($day AS DATE) GROUP BY sys_id"""
_NEVER = "SELECT NULL::VARCHAR AS user_uid, NULL::TIMESTAMP AS at WHERE false"


def users(con: duckdb.DuckDBPyConnection, instance: str, day: date) -> duckdb.DuckDBPyRelation:
    """`core__user`: one row per account as of the end of `day`.

    From the snapshot of that day (`observed`), or from the nearest one (`reconstructed`): then accounts that did not
    exist yet are left out, and whether one that is inactive now was so then is unknown.
    """
    for macro in (*MACROS, _REGISTRABLE):
        con.execute(macro)
    for name in SNAPSHOTS:
        _exist(con, name)
    has_earlier = has_view(con, "raw_servicenow__sys_user__previous")
    gone = _GONE if has_earlier and is_observed(con, day) else ""
    sql = _USERS.replace("<accounts>", f"SELECT * FROM raw_servicenow__sys_user{gone}")
    sql = sql.replace("<before>", _BEFORE if has_earlier else _NEVER)
    end = datetime.combine(day, time.min) + timedelta(days=1)
    return con.sql(sql, params={"instance": instance, "day": str(day), "end": f"{end:%Y-%m-%d %H:%M:%S}"})


def is_observed(con: duckdb.DuckDBPyConnection, day: date) -> bool:
    """The snapshot of accounts was taken on the day itself, so its difference to the one before belongs to the day."""
    found = con.execute(
        "SELECT 1 FROM raw_servicenow__sys_user WHERE event_date = $day LIMIT 1", {"day": day}
    ).fetchall()
    return bool(found)
