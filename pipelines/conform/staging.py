"""Typed, de-duplicated working copies of the raw logs: the day itself and the context that joins may look into.

Joins look at most `EDGE` around a row and `MEMORY` back from it, never "from the start of the day": that is why a day
gives the same rows whether it is computed alone or as part of a longer window.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

import duckdb

from pipelines.contracts import contract

EDGE = timedelta(seconds=30)  # how far apart two rows of one action may lie
MEMORY = timedelta(hours=24)  # how long a login or an impersonation is remembered
FILE_MEMORY = timedelta(days=30)  # how old an attachment may be whose metadata is looked up

#: Events of the day before that still matter: who logged in from where, who impersonates whom.
REMEMBERED = "('login', 'session.established', 'logout', 'impersonation.start', 'impersonation.end')"

MACROS = (
    # first hop of a forwarded-for list; null where it is no address
    """CREATE OR REPLACE TEMP MACRO ip_of(x) AS CASE
         WHEN regexp_full_match(x, '[0-9]{1,3}([.][0-9]{1,3}){3}') THEN x
         WHEN regexp_full_match(lower(trim(split_part(x, ',', 1))),
              '[0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*(:[0-9]{1,3}([.][0-9]{1,3}){3})?')
         THEN lower(trim(split_part(x, ',', 1))) END""",
    "CREATE OR REPLACE TEMP MACRO hex_id(x) AS CASE WHEN regexp_full_match(x, '[0-9a-f]{31,32}') THEN x END",
    "CREATE OR REPLACE TEMP MACRO key_of(x) AS lower(trim(x))",
    """CREATE OR REPLACE TEMP MACRO is_platform(k) AS
         k IN ('system', 'guest', 'soap.guest', 'glide.maint') OR contains(k, '@snc')""",
)

_EVENT = f"""
SELECT sys_id, TRY_CAST(sys_created_on AS TIMESTAMP) AS time, sys_created_on >= $start AND sys_created_on < $end AS in_day,
       lower(name) AS name, NULLIF(parm1, '') AS parm1, NULLIF(parm2, '') AS parm2, NULLIF("table", '') AS on_table,
       NULLIF(instance_uid, '') AS instance_uid, hex_id(user_id) AS user_id, NULLIF(trim(user_name), '') AS user_name,
       state, sys_updated_on
FROM raw_servicenow__sysevent
WHERE TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL AND sys_id IS NOT NULL
  AND sys_created_on >= $memory AND sys_created_on < $after
  AND (sys_created_on >= $before OR lower(name) IN {REMEMBERED} OR name LIKE 'external.authentication.%'
       OR name ILIKE 'snc.auth.%')
"""

# rotation writes an unprocessed event again and calls the copy `transferred`; one without its twin is all we have
_TWINS = """
DELETE FROM conform_event WHERE state = 'transferred' AND EXISTS (
  SELECT 1 FROM raw_servicenow__sysevent twin
  WHERE twin.state IS DISTINCT FROM 'transferred' AND lower(twin.name) = conform_event.name
    AND NULLIF(twin.parm1, '') IS NOT DISTINCT FROM conform_event.parm1
    AND NULLIF(twin.parm2, '') IS NOT DISTINCT FROM conform_event.parm2
    AND NULLIF(twin.instance_uid, '') IS NOT DISTINCT FROM conform_event.instance_uid
    AND NULLIF(trim(twin.user_name), '') IS NOT DISTINCT FROM conform_event.user_name
    AND TRY_CAST(twin.sys_created_on AS TIMESTAMP) BETWEEN conform_event.time - INTERVAL 10 MINUTES
        AND conform_event.time + INTERVAL 30 SECONDS)
"""

FLAG = "[?&](CSV|XML|XLSX|EXCEL|XLS|PDF|JSON|JSONv2|UNL)([&= ]|$)"
_TRANSACTION = f"""
WITH read AS (
  SELECT sys_id, TRY_CAST(sys_created_on AS TIMESTAMP) AS time, sys_created_on >= $start AND sys_created_on < $end AS in_day,
         NULLIF(trim(sys_created_by), '') AS user_name, url, lower(COALESCE(type, '')) AS type,
         ip_of(remote_ip) AS ip, NULLIF(user_agent, '') AS agent, NULLIF(session, '') AS session,
         TRY_CAST(output_length AS BIGINT) AS length, TRY_CAST(status AS INTEGER) AS code
  FROM raw_servicenow__syslog_transaction
  WHERE sys_created_on >= $before AND sys_created_on < $after AND sys_id IS NOT NULL
)
SELECT *, key_of(user_name) AS user_key, code >= 400 OR suffix(url, 'CANCELLED') AS is_failed,
  CASE
    WHEN starts_with(url, 'JOB') OR type = 'scheduler' THEN 'job'
    WHEN contains(url, 'sys_attachment.do') AND regexp_matches(url, '[?&]sys_id=[0-9a-f]{{31,32}}') THEN 'file_page'
    WHEN contains(url, '/attachment/') AND regexp_matches(url, '/api/now/(v[0-9]+/)?attachment/[0-9a-f]{{31,32}}/file')
      THEN 'file_api'
    WHEN contains(url, 'download_all_attachments.do') THEN 'file_zip'
    WHEN type = 'export' OR (contains(url, '.do?') AND regexp_matches(url, '{FLAG}'))
      OR (contains(url, 'sys_report_template.do') AND type <> 'report') THEN 'export'
    WHEN type IN ('xmlhttp', 'amb') THEN 'background'
    WHEN type IN ('rest', 'soap', 'json', 'jsonv2', 'batch rest') OR starts_with(url, '/api/') THEN 'api'
    ELSE 'page'
  END AS kind,
  CASE WHEN contains(url, 'sys_attachment.do') THEN NULLIF(regexp_extract(url, '[?&]sys_id=([0-9a-f]{{31,32}})', 1), '')
       WHEN contains(url, '/attachment/') THEN NULLIF(regexp_extract(url, '/attachment/([0-9a-f]{{31,32}})/file', 1), '')
  END AS file_uid
FROM read WHERE time IS NOT NULL
"""

_AUDIT = """
SELECT sys_id, TRY_CAST(sys_created_on AS TIMESTAMP) AS time, sys_created_on >= $start AND sys_created_on < $end AS in_day,
       lower(tablename) AS on_table, fieldname AS field, NULLIF(documentkey, '') AS record, oldvalue AS old, newvalue AS new,
       COALESCE(NULLIF(trim("user"), ''), NULLIF(trim(sys_created_by), '')) AS user_name
FROM raw_servicenow__sys_audit
WHERE sys_created_on >= $before AND sys_created_on < $after AND sys_id IS NOT NULL
  AND TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL
"""

# metadata of files that the day's events and requests name
_FILE = """
SELECT sys_id, any_value(NULLIF(file_name, '') ORDER BY sys_updated_on DESC) AS name,
       any_value(TRY_CAST(size_bytes AS BIGINT) ORDER BY sys_updated_on DESC) AS size,
       any_value(NULLIF(table_name, '') ORDER BY sys_updated_on DESC) AS parent_table,
       any_value(NULLIF(table_sys_id, '') ORDER BY sys_updated_on DESC) AS parent_uid
FROM raw_servicenow__sys_attachment
WHERE sys_created_on >= $files AND sys_created_on < $end AND sys_id IN (
  SELECT file_uid FROM conform_transaction WHERE file_uid IS NOT NULL
  UNION SELECT unnest([instance_uid, parm1, parm2]) FROM conform_event WHERE starts_with(name, 'attachment.'))
GROUP BY sys_id
"""


def bounds(day: date) -> dict[str, str]:
    """Wire-format instants around a day: `memory` < `before` < `start` <= t < `end` < `after`; `files` for attachments."""
    start = datetime.combine(day, time.min)
    end = start + timedelta(days=1)
    marks = {
        "memory": start - MEMORY, "before": start - EDGE, "start": start, "end": end, "after": end + EDGE,
        "files": start - FILE_MEMORY,
    }  # fmt: skip
    return {name: f"{at:%Y-%m-%d %H:%M:%S}" for name, at in marks.items()}


def run(con: duckdb.DuckDBPyConnection, sql: str, given: Mapping[str, object]) -> None:
    """Execute with those of the `given` parameters that the statement names: DuckDB refuses the others."""
    con.execute(sql, {name: value for name, value in given.items() if f"${name}" in sql}).fetchall()


def stage(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, str]:
    """Build the working copies as temporary tables `conform_*`; returns the bounds that they were cut by."""
    for macro in MACROS:
        con.execute(macro)
    cut = bounds(day)
    for name in ("raw_servicenow__isc_export_event", *REQUIRED, *SNAPSHOTS):
        _exist(con, name)
    _copy(con, "conform_event", _EVENT, cut, newest="sys_updated_on")
    if _holds(con, "SELECT 1 FROM conform_event WHERE state = 'transferred' LIMIT 1"):
        con.execute(_TWINS).fetchall()
    _copy(con, "conform_transaction", _TRANSACTION, cut)
    _copy(con, "conform_audit", _AUDIT, cut)
    run(con, f"CREATE OR REPLACE TEMP TABLE conform_file AS {_FILE}", cut)
    return cut


#: Raw log -> days of context before and after the day that its joins may look into.
REQUIRED: dict[str, tuple[int, int]] = {
    "raw_servicenow__sysevent": (1, 1),
    "raw_servicenow__syslog_transaction": (1, 1),
    "raw_servicenow__sys_audit": (1, 1),
    "raw_servicenow__sys_audit_delete": (0, 0),
    "raw_servicenow__sys_audit_role": (0, 0),
    "raw_servicenow__sys_attachment": (30, 0),
    "raw_servicenow__sys_email": (0, 0),
    "raw_servicenow__isc_export_event": (1, 1),
}

#: Slow tables that are read as of the snapshot nearest to the day. `<name>__previous` may hold the one before it.
SNAPSHOTS = (
    "raw_servicenow__sys_user",
    "raw_servicenow__sys_user_has_role",
    "raw_servicenow__sys_user_role",
    "raw_servicenow__sys_user_group",
    "raw_servicenow__sys_user_grmember",
    "raw_servicenow__sys_properties",
)

#: Of these a caller may give the snapshot before as `<name>__previous`: the difference is then activity of the day.
PREVIOUS = ("raw_servicenow__sys_user", "raw_servicenow__sys_user_has_role", "raw_servicenow__sys_user_grmember")


def has_view(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return _holds(con, "SELECT 1 FROM duckdb_columns() WHERE table_name = $name LIMIT 1", {"name": name})


def _exist(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """An empty typed table where the caller gave no view: nothing was read, so nothing is found."""
    if not has_view(con, name):
        body = ", ".join(f'"{f.name}" {f.duckdb}' for f in contract(name).all_fields)
        con.execute(f'CREATE TEMP TABLE "{name}" ({body})')


def _copy(con: duckdb.DuckDBPyConnection, name: str, sql: str, cut: Mapping[str, str], newest: str = "time") -> None:
    """One row per sys_id, the `newest` where a log delivers one twice."""
    run(con, f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}", cut)
    if _holds(con, f"SELECT 1 FROM {name} HAVING count(*) > count(DISTINCT sys_id)"):
        once = f"SELECT DISTINCT ON (sys_id) * FROM {name} ORDER BY sys_id, {newest} DESC NULLS LAST"
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {once}").fetchall()


def _holds(con: duckdb.DuckDBPyConnection, sql: str, given: Mapping[str, object] | None = None) -> bool:
    return bool(con.execute(sql, dict(given or {})).fetchall())
