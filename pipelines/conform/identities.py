"""Accounts beside the identity provider's users: `core__identity` as of the end of a day.

An account and a user are one person where a name of the one is a name of the other, compared without case and in one
Unicode form. The strongest agreement counts; where it is not unique on either side, nothing is said: a wrong match would
accuse a colleague. A user that is there goes before one that was deleted.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import duckdb

from pipelines.conform.staging import _exist, has_view
from pipelines.contracts.core.identity import MATCHED_BY

USER, DELETED, ACCOUNT = "raw_entra__user", "raw_entra__deleted_user", "raw_servicenow__sys_user"
MOST_VANISHED = 0.1  # of all users overnight without a trace among the deleted: more is a reading gone wrong

_MACROS = (
    "CREATE OR REPLACE TEMP MACRO one_form(x) AS NULLIF(lower(nfc_normalize(trim(x))), '')",
    "CREATE OR REPLACE TEMP MACRO zulu(x) AS TRY_CAST(replace(NULLIF(x, ''), 'Z', '') AS TIMESTAMP)",
    # a later instant is the weaker claim, and a run again within the hour gives the same
    "CREATE OR REPLACE TEMP MACRO next_hour(t) AS date_trunc('hour', t - INTERVAL 1 MICROSECOND) + INTERVAL 1 HOUR",
)

# Entra ID puts the object's id before the sign-in name of what it deletes
_OBJECTS = """
CREATE OR REPLACE TEMP TABLE conform_object AS
WITH gone AS (
  SELECT *, zulu(deleted_date_time) AS deleted_at,
         CASE WHEN starts_with(user_principal_name, replace(directory_id, '-', ''))
              THEN substr(user_principal_name, length(replace(directory_id, '-', '')) + 1) ELSE user_principal_name END AS principal
  FROM raw_entra__deleted_user
), vanished AS (
  SELECT * FROM raw_entra__user__previous WHERE directory_id NOT IN (SELECT directory_id FROM raw_entra__user)
    AND directory_id NOT IN (SELECT directory_id FROM gone)
), told AS (
  SELECT directory_id, user_principal_name AS principal, mail, on_premises_sam_account_name AS sam, account_enabled,
         employee_leave_date_time AS leave, NULL::TIMESTAMP AS deleted_at, false AS is_deleted, event_date, observed_at
  FROM raw_entra__user WHERE directory_id NOT IN (SELECT directory_id FROM gone)
  UNION ALL
  SELECT directory_id, principal, mail, on_premises_sam_account_name, account_enabled, employee_leave_date_time,
         COALESCE(deleted_at, next_hour(observed_at)), true, event_date, observed_at FROM gone
  UNION ALL
  SELECT v.directory_id, v.user_principal_name, v.mail, v.on_premises_sam_account_name, v.account_enabled, v.employee_leave_date_time,
         next_hour(now.observed_at), true, now.event_date, now.observed_at
  FROM vanished v CROSS JOIN (SELECT max(observed_at) AS observed_at, max(event_date) AS event_date FROM raw_entra__user) now
  WHERE now.observed_at IS NOT NULL
    AND (SELECT count(*) FROM vanished) <= greatest(5, $most * (SELECT count(*) FROM raw_entra__user__previous))
)
SELECT directory_id, principal, one_form(principal) AS principal_key, one_form(mail) AS mail_key, one_form(sam) AS sam_key, account_enabled,
       zulu(leave) AS leave_at, is_deleted AND deleted_at < CASE WHEN event_date > CAST($day AS DATE) THEN CAST($end AS TIMESTAMP)
         ELSE TIMESTAMP '9999-12-31' END AS is_deleted,
       deleted_at, event_date, next_hour(observed_at) AS seen_at
FROM told
"""

_PAIRS = """
CREATE OR REPLACE TEMP TABLE conform_pair AS
WITH account AS (
  SELECT DISTINCT ON (sys_id) sys_id AS user_uid, one_form(user_name) AS name_key, one_form(email) AS mail_key FROM raw_servicenow__sys_user
  WHERE sys_id <> '' AND COALESCE(sys_created_on, '') < $end ORDER BY sys_id, sys_updated_on DESC
), pair AS (
  SELECT user_uid, directory_id, 1 AS way FROM account a JOIN conform_object o ON a.name_key = o.principal_key
  UNION ALL SELECT user_uid, directory_id, 2 FROM account a JOIN conform_object o ON a.mail_key = o.principal_key
  UNION ALL SELECT user_uid, directory_id, 3 FROM account a JOIN conform_object o ON a.mail_key = o.mail_key
  UNION ALL SELECT user_uid, directory_id, 4 FROM account a JOIN conform_object o ON a.name_key = o.sam_key
), best AS (
  SELECT p.*, o.is_deleted, o.deleted_at FROM pair p JOIN conform_object o USING (directory_id)
  QUALIFY (o.is_deleted, way) = min((o.is_deleted, way)) OVER (PARTITION BY user_uid)
), latest AS (  -- of several deleted ones the latest; of several that are there none can be chosen
  SELECT DISTINCT user_uid, directory_id, way FROM best
  QUALIFY NOT is_deleted OR row_number() OVER (PARTITION BY user_uid ORDER BY deleted_at DESC, directory_id) = 1
), counted AS (
  SELECT *, count(*) OVER (PARTITION BY user_uid) AS objects, min(way) OVER (PARTITION BY directory_id) AS closest FROM latest
)
SELECT user_uid, directory_id, way,
       objects = 1 AND way = closest AND count(*) FILTER (way = closest) OVER (PARTITION BY directory_id) = 1 AS is_unique
FROM counted
"""

_WAYS = ", ".join(f"({number}, '{name}')" for number, name in enumerate(MATCHED_BY, 1))

_IDENTITIES = f"""
WITH account AS (
  SELECT DISTINCT ON (sys_id) sys_id AS user_uid, NULLIF(trim(user_name), '') AS user_name FROM raw_servicenow__sys_user
  WHERE sys_id <> '' AND COALESCE(sys_created_on, '') < $end ORDER BY sys_id, sys_updated_on DESC
), known AS (SELECT max(event_date) AS taken_on, max(seen_at) AS seen_at FROM conform_object),
claimed AS (SELECT user_uid, bool_or(is_unique) AS is_unique FROM conform_pair GROUP BY user_uid)
SELECT $instance AS instance, CAST($day AS DATE) AS event_date, a.user_uid, a.user_name,
       CASE WHEN c.user_uid IS NULL THEN 'unmatched' WHEN c.is_unique THEN 'matched' ELSE 'ambiguous' END AS match_state,
       w.name AS matched_by, o.directory_id, o.principal AS principal_name,
       CASE WHEN o.directory_id IS NOT NULL AND NOT o.is_deleted AND k.taken_on <= CAST($day AS DATE) THEN o.account_enabled END AS is_enabled,
       o.is_deleted, CASE WHEN o.is_deleted THEN o.deleted_at END AS deleted_at, o.leave_at, k.seen_at,
       CASE WHEN k.taken_on = CAST($day AS DATE) THEN 'observed' WHEN k.taken_on > CAST($day AS DATE) THEN 'reconstructed'
            ELSE 'carried' END AS profile_source
FROM account a CROSS JOIN known k LEFT JOIN claimed c USING (user_uid)
LEFT JOIN conform_pair p ON p.user_uid = a.user_uid AND p.is_unique LEFT JOIN conform_object o USING (directory_id)
LEFT JOIN (VALUES {_WAYS}) w(number, name) ON w.number = p.way
WHERE k.seen_at IS NOT NULL ORDER BY a.user_uid
"""


def identities(con: duckdb.DuckDBPyConnection, instance: str, day: date) -> duckdb.DuckDBPyRelation:
    """`core__identity`: one row per account, none where the directory was never read.

    `con` holds the raw snapshots nearest to the day, `raw_entra__user__previous` the users before; what is missing counts
    as empty.
    """
    for macro in _MACROS:
        con.execute(macro)
    for name in (USER, DELETED, ACCOUNT):
        _exist(con, name)
    if not has_view(con, f"{USER}__previous"):
        con.execute(f"CREATE OR REPLACE TEMP VIEW {USER}__previous AS FROM {USER} WHERE false")
    end = f"{datetime.combine(day, time.min) + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    con.execute(_OBJECTS, {"day": str(day), "end": end, "most": MOST_VANISHED}).fetchall()
    con.execute(_PAIRS, {"end": end}).fetchall()
    return con.sql(_IDENTITIES, params={"instance": instance, "day": str(day), "end": end})
