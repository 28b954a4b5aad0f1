"""What of the next day a day depends on: the few rows after midnight that may belong to an action before it."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from pipelines.conform.staging import bounds, has_view

# (table, who): whose row it is, by user name
_OWNERS = {
    "raw_servicenow__sysevent": "CASE WHEN user_name IN ('', 'guest', 'system') OR user_name IS NULL THEN parm1 ELSE user_name END",
    "raw_servicenow__syslog_transaction": "sys_created_by",
    "raw_servicenow__sys_audit": '"user"',
    "raw_servicenow__isc_export_event": "user_name",
}


def edge(con: duckdb.DuckDBPyConnection, day: date) -> str:
    """A digest of the rows in the first 30 s after `day` of users who were active in its last 30 s; "" without any.

    A day has to be derived again when the next one has landed only where this has changed.
    """
    held = {table: who for table, who in _OWNERS.items() if has_view(con, table)}
    if not held:
        return ""
    cut = bounds(day)
    late = bounds(day + timedelta(days=1))["before"]
    before, after = (
        " UNION ALL ".join(
            f"SELECT sys_id, lower(trim({who})) AS who FROM {table} WHERE sys_created_on >= ${low} AND sys_created_on < ${high}"
            for table, who in held.items()
        )
        for low, high in (("late", "end"), ("end", "after"))
    )
    sql = (
        f"SELECT md5(string_agg(sys_id, ',' ORDER BY sys_id)) FROM ({after}) WHERE who IN (SELECT who FROM ({before}))"
    )
    found = con.execute(sql, {"late": late, "end": cut["end"], "after": cut["after"]}).fetchall()
    return str(found[0][0] or "")
