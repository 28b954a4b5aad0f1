"""What of the next day a day depends on: the few rows after midnight that belong to an action before it."""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.conform.staging import bounds, has_view

_LOGINS = "('login', 'session.established', 'external.authentication.succeeded', 'attachment.read')"

_TRANSACTIONS = """
SELECT t.sys_id FROM raw_servicenow__syslog_transaction t
WHERE t.sys_created_on >= $end AND t.sys_created_on < $after AND lower(trim(t.sys_created_by)) IN (
  SELECT lower(trim(user_name)) FROM raw_servicenow__sysevent WHERE sys_created_on >= $late AND sys_created_on < $end
  UNION SELECT lower(trim(parm1)) FROM raw_servicenow__sysevent WHERE sys_created_on >= $late AND sys_created_on < $end
  UNION SELECT lower(trim("user")) FROM raw_servicenow__sys_audit WHERE sys_created_on >= $late AND sys_created_on < $end)
"""
_EVENTS = f"""
SELECT e.sys_id FROM raw_servicenow__sysevent e
WHERE e.sys_created_on >= $end AND e.sys_created_on < $after AND lower(e.name) IN {_LOGINS}
  AND lower(trim(CASE WHEN e.name = 'attachment.read' THEN e.user_name ELSE e.parm1 END)) IN (
    SELECT lower(trim(sys_created_by)) FROM raw_servicenow__syslog_transaction
    WHERE sys_created_on >= $late AND sys_created_on < $end
    UNION SELECT lower(trim(parm1)) FROM raw_servicenow__sysevent WHERE sys_created_on >= $late AND sys_created_on < $end)
"""


def edge(con: duckdb.DuckDBPyConnection, day: date) -> str:
    """A digest of the rows in the first 30 s after `day` that may change its activities; "" where there are none.

    A day must be derived again when the next day has landed only if this has changed: on most nights it has not.
    """
    names = ("raw_servicenow__sysevent", "raw_servicenow__syslog_transaction", "raw_servicenow__sys_audit")
    if not all(has_view(con, name) for name in names):
        return ""
    cut = bounds(day)
    given = {"end": cut["end"], "after": cut["after"], "late": _late(day)}
    sql = f"SELECT md5(string_agg(sys_id, ',' ORDER BY sys_id)) FROM ({_TRANSACTIONS} UNION {_EVENTS})"
    found = con.execute(sql, given).fetchall()
    return str(found[0][0] or "")


def _late(day: date) -> str:
    """30 s before the day's end."""
    return f"{day} 23:59:30"
