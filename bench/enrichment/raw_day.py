"""A synthetic raw day with the proportions of a busy instance, made in DuckDB: no organisation, only shapes and sizes."""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.contracts import sources

USERS, ADDRESSES, AGENTS, FILES = 20_000, 6_000, 300, 30_000


def make(con: duckdb.DuckDBPyConnection, instance: str, day: date, rows: int = 333_333) -> None:
    """Raw tables for `day` and a quiet hour around it: three quarters requests, the rest events, audit, files, mail."""
    for table in sources().values():
        body = ", ".join(f'"{f.name}" {f.duckdb}' for f in table.all_fields)
        con.execute(f'CREATE OR REPLACE TABLE "{table.name}" ({body})')
    con.execute("SELECT setseed(0.5)").fetchall()
    where = f"'{instance}' AS instance, CAST(sys_created_on AS DATE) AS event_date"
    _fill(
        con,
        "sys_user",
        USERS,
        f"""
        '{instance}' AS instance, DATE '{day}' AS event_date, md5('u' || i) AS sys_id, 'user.' || i AS user_name,
        'user.' || i || '@example.com' AS email, CASE WHEN i % 50 = 0 THEN 'false' ELSE 'true' END AS active,
        'false' AS locked_out, 'false' AS internal_integration_user, 'false' AS web_service_access_only,
        md5('d' || i % 40) AS department, '2020-01-01 00:00:00' AS sys_created_on, TIMESTAMP '{day} 23:30:00' AS observed_at""",
    )
    _fill(
        con,
        "sys_user_role",
        200,
        f"'{instance}' AS instance, DATE '{day}' AS event_date, md5('r' || i) AS sys_id, 'role_' || i AS name,"
        f" TIMESTAMP '{day} 23:30:00' AS observed_at",
    )
    _fill(
        con,
        "sys_user_has_role",
        USERS * 4,
        f"""
        '{instance}' AS instance, DATE '{day}' AS event_date, md5('h' || i) AS sys_id, md5('u' || i % {USERS}) AS "user",
        md5('r' || i % 197) AS role, 'active' AS state, '2020-01-01 00:00:00' AS sys_created_on, TIMESTAMP '{day} 23:30:00' AS observed_at""",
    )
    person = f"CAST(floor(pow(random(), 3) * {USERS}) AS BIGINT)"
    moment = f"strftime(TIMESTAMP '{day}' + to_seconds(CAST(i * 86399 // n AS BIGINT)), '%Y-%m-%d %H:%M:%S')"
    file = f"md5('f' || CAST(floor(random() * {FILES}) AS BIGINT))"
    home = f"((who * 7919 + CAST(floor(pow(random(), 4) * 3) AS BIGINT)) % {ADDRESSES})"
    address = (
        f"(11 + {home} // 65536) || '.' || ({home} // 256 % 256) || '.' || ({home} % 256) || '.' || (who % 250 + 1)"
    )
    _fill(
        con,
        "syslog_transaction",
        rows * 3 // 4,
        f"""
        {where}, md5('t' || i) AS sys_id, 'user.' || who AS sys_created_by, {address} AS remote_ip, md5('s' || who) AS session,
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' || (80 + who % {AGENTS}) ||
        '.0.0.0 Safari/537.36' AS user_agent, CAST(CAST(random() * 90000 AS BIGINT) AS VARCHAR) AS output_length, '200' AS status,
        CASE WHEN way < 0.06 THEN '/sys_attachment.do?sys_id=' || {file}
             WHEN way < 0.08 THEN '/api/now/attachment/' || {file} || '/file'
             WHEN way < 0.0801 THEN '/incident_list.do?CSV&sysparm_query=active=true'
             WHEN way < 0.30 THEN '/incident.do?sys_id=' || md5('i' || i) || '&sysparm_view='
             WHEN way < 0.45 THEN '/api/now/table/incident/' || md5('i' || i) || '?sysparm_limit=1'
             WHEN way < 0.60 THEN '/xmlhttp.do' ELSE '/incident_list.do?sysparm_query=active=true^ORDERBYDESCnumber' END AS url,
        CASE WHEN way >= 0.06 AND way < 0.08 THEN 'rest' WHEN way < 0.0801 THEN 'other' WHEN way < 0.30 THEN 'form'
             WHEN way < 0.45 THEN 'rest' WHEN way < 0.60 THEN 'xmlhttp' ELSE 'list' END AS type""",
        moment,
        person,
    )
    con.execute("""INSERT INTO raw_servicenow__sysevent BY NAME
        SELECT instance, event_date, md5('e' || sys_id) AS sys_id, sys_created_on, 'attachment.read' AS name, 'report.pdf' AS parm1,
          'incident' AS parm2, 'sys_attachment' AS "table", right(url, 32) AS instance_uid, sys_created_by AS user_name,
          md5('u' || substr(sys_created_by, 6)) AS user_id, 'processed' AS state
        FROM raw_servicenow__syslog_transaction WHERE url LIKE '/sys_attachment.do%'""").fetchall()
    _fill(
        con,
        "sysevent",
        rows // 8,
        f"""
        {where}, md5('l' || i) AS sys_id, CASE WHEN way < 0.4 THEN 'login' WHEN way < 0.45 THEN 'login.failed' WHEN way < 0.6
          THEN 'logout' WHEN way < 0.8 THEN 'live_feed.update' ELSE 'incident.commented' END AS name,
        'user.' || who AS parm1, {address} AS parm2, '' AS "table", md5('s' || who) AS instance_uid, 'user.' || who AS user_name,
        md5('u' || who) AS user_id, 'processed' AS state""",
        moment,
        person,
    )
    _fill(
        con,
        "sys_audit",
        rows // 10,
        f"""
        {where}, md5('a' || i) AS sys_id, 'incident' AS tablename, 'state' AS fieldname, md5('i' || i // 2) AS documentkey, '1' AS oldvalue,
        '2' AS newvalue, 'user.' || who AS "user", 'user.' || who AS sys_created_by""",
        moment,
        person,
    )
    _fill(
        con,
        "sys_attachment",
        FILES,
        f"""
        {where}, md5('f' || i) AS sys_id, 'file_' || i || '.pdf' AS file_name, '12345' AS size_bytes, 'incident' AS table_name,
        md5('i' || i) AS table_sys_id, 'user.' || who AS sys_created_by""",
        f"strftime(TIMESTAMP '{day}' - INTERVAL 20 DAY + to_seconds(CAST(i * 1800000 // n AS BIGINT)), '%Y-%m-%d %H:%M:%S')",
        person,
    )


def _fill(
    con: duckdb.DuckDBPyConnection, table: str, count: int, columns: str, moment: str = "NULL", person: str = "0"
) -> None:
    given = "" if "AS sys_created_on" in columns or moment == "NULL" else f", {moment} AS sys_created_on"
    con.execute(f"""INSERT INTO raw_servicenow__{table} BY NAME
        WITH base AS (SELECT i, {count} AS n, {person} AS who, random() AS way{given} FROM range({count}) t(i))
        SELECT {columns}{", sys_created_on" if given else ""} FROM base""").fetchall()
