"""Lists and reports that left as a file: `isc_export_event` (rows, bytes) where the instance has it, else the request."""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

_EVENTS = """
CREATE OR REPLACE TEMP TABLE conform_export AS
SELECT DISTINCT ON (e.sys_id) e.sys_id, TRY_CAST(sys_created_on AS TIMESTAMP) AS time,
       sys_created_on >= $start AND sys_created_on < $end AS in_day,
       hex_id("user") AS user_uid, COALESCE(NULLIF(trim(e.user_name), ''), i.user_name) AS user_name,
       key_of(COALESCE(NULLIF(trim(e.user_name), ''), i.user_name)) AS user_key,
       lower(NULLIF("table", '')) AS on_table, TRY_CAST(records AS BIGINT) AS records, TRY_CAST(size AS BIGINT) AS size,
       NULLIF(classification, '') AS classification
FROM raw_servicenow__isc_export_event e LEFT JOIN conform_id i ON i.user_uid = hex_id(e."user")
WHERE sys_created_on >= $before AND sys_created_on < $after AND TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL
"""

_REQUESTS = """
CREATE OR REPLACE TEMP TABLE conform_export_request AS
SELECT sys_id, time, in_day, user_name, user_key, session, ip, agent, length, is_failed,
       NULLIF(lower(regexp_extract(url, '/([A-Za-z0-9_]+?)(_list)?[.]do', 1)), '') AS on_table,
       NULLIF(regexp_extract(url, '[?&](CSV|XML|XLSX|EXCEL|XLS|PDF|JSONv2|JSON|UNL)([&= ]|$)', 1), '') AS form
FROM conform_transaction WHERE kind = 'export'
"""

# the request that an export event came from: same user and table, at most 30 s apart
_MATCHED = """
CREATE OR REPLACE TEMP TABLE conform_export_match AS
SELECT DISTINCT ON (e.sys_id) e.sys_id AS export, r.sys_id AS request
FROM conform_export e JOIN conform_export_request r ON r.user_key = e.user_key AND r.on_table = e.on_table
WHERE r.time BETWEEN e.time - INTERVAL 30 SECONDS AND e.time + INTERVAL 30 SECONDS
ORDER BY e.sys_id, abs(epoch(r.time) - epoch(e.time)), r.sys_id
"""

_COVERED = """
CREATE OR REPLACE TEMP TABLE conform_export_covered AS
SELECT r.sys_id AS request FROM conform_export_request r SEMI JOIN conform_export e
  ON r.user_key = e.user_key AND r.on_table = e.on_table
  AND r.time BETWEEN e.time - INTERVAL 30 SECONDS AND e.time + INTERVAL 30 SECONDS
"""

PREPARE = (_EVENTS, _REQUESTS, _MATCHED, _COVERED)

ACTIVITIES = (
    activity(
        """conform_export e LEFT JOIN conform_export_match m ON m.export = e.sys_id
           LEFT JOIN conform_export_request r ON r.sys_id = m.request WHERE e.in_day""",
        activity_uid=uid("isc_export_event", "e.sys_id"), time="e.time", activity_name="'exported'", status="'success'",
        user_name="e.user_name", user_uid="e.user_uid", session_uid="r.session", is_interactive="true",
        resource_type="e.on_table", bytes="COALESCE(e.size, r.length)", row_count="e.records",
        detail="COALESCE(r.form, e.classification)", src_ip="r.ip", user_agent="r.agent",
        ip_source="CASE WHEN r.ip IS NOT NULL THEN 'transaction' END", source_table="'isc_export_event'", source_uid="e.sys_id",
    ),
    activity(
        "conform_export_request r ANTI JOIN conform_export_covered c ON c.request = r.sys_id WHERE r.in_day",
        activity_uid=uid("syslog_transaction", "r.sys_id"), time="r.time", activity_name="'exported'",
        status="CASE WHEN r.is_failed THEN 'failure' ELSE 'success' END", user_name="r.user_name", session_uid="r.session",
        resource_type="CASE WHEN r.on_table = 'sys_report_template' THEN 'sys_report' ELSE r.on_table END",
        bytes="r.length", detail="r.form", src_ip="r.ip", user_agent="r.agent",
        ip_source="CASE WHEN r.ip IS NOT NULL THEN 'transaction' END",
        source_table="'syslog_transaction'", source_uid="r.sys_id",
    ),
)  # fmt: skip
