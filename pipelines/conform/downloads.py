"""Files that left the platform: `attachment.read` joined to the request that fetched it, and requests without an event.

Whether a REST download raises `attachment.read` is not documented, nor whether the event always names its attachment
(servicenow-api.md 10.1). Every variant gives one activity per download: a request that an event stands for is not
counted again, and an event without its attachment id takes the id of the nearest request.
"""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

_READS = """
CREATE OR REPLACE TEMP TABLE conform_read AS
SELECT sys_id, time, in_day, parm1 AS file_name, parm2 AS parent_table, user_name, user_id, key_of(user_name) AS user_key,
       CASE WHEN on_table = 'sys_attachment' OR on_table IS NULL THEN hex_id(instance_uid) END AS file_uid
FROM conform_event
WHERE name = 'attachment.read' AND time BETWEEN CAST($before AS TIMESTAMP) AND CAST($after AS TIMESTAMP)
"""

_FETCHES = """
CREATE OR REPLACE TEMP TABLE conform_fetch AS
SELECT sys_id, time, in_day, kind, user_name, user_key, ip, agent, session, length, is_failed, file_uid, f.name AS file_name
FROM conform_transaction t LEFT JOIN (SELECT sys_id AS known_uid, name FROM conform_file) f ON f.known_uid = t.file_uid
WHERE kind IN ('file_page', 'file_api')
"""


def _nearest(events: str, requests: str, keys: tuple[str, ...], lesser: int) -> str:
    """Both neighbours in time of each event among the requests with equal `keys`, with their distance."""
    same = " AND ".join(f"t.{key} = r.{key}" for key in keys)
    return " UNION ALL ".join(
        f"SELECT r.sys_id AS event_id, t.sys_id AS request_id, {apart} AS apart, {lesser} AS lesser"
        f" FROM {events} r ASOF JOIN {requests} t ON {same} AND t.time {sign} r.time"
        for apart, sign in (("r.time - t.time", "<="), ("t.time - r.time", ">="))
    )


# The nearest request within 30 s: of the same user and attachment; where the event names none, of the same user and file
# name, else of the same user. One request stands for those at the same instant, so that no order of rows matters.
_NEAREST = f"""
CREATE OR REPLACE TEMP TABLE conform_read_request AS
WITH named AS (FROM conform_read WHERE file_uid IS NOT NULL), bare AS (FROM conform_read WHERE file_uid IS NULL),
by_file AS (SELECT user_key, file_uid, time, min(sys_id) AS sys_id FROM conform_fetch GROUP BY ALL),
by_name AS (SELECT user_key, file_name, time, min(sys_id) AS sys_id FROM conform_fetch WHERE file_name IS NOT NULL GROUP BY ALL),
by_user AS (SELECT user_key, time, min(sys_id) AS sys_id FROM conform_fetch WHERE file_name IS NULL GROUP BY ALL),
found AS (
  {_nearest("named", "by_file", ("user_key", "file_uid"), 0)}
  UNION ALL {_nearest("bare", "by_name", ("user_key", "file_name"), 1)}
  UNION ALL {_nearest("bare", "by_user", ("user_key",), 2)}
)
SELECT DISTINCT ON (event_id) event_id, request_id FROM found WHERE apart <= INTERVAL 30 SECONDS
ORDER BY event_id, lesser, apart, request_id
"""

# requests that an event stands for: of the same user and attachment within 30 s; where events name no attachment, all
# those around them, unless requests are twice as many as events (then REST raises none, and each request counts)
_COVERED = """
CREATE OR REPLACE TEMP TABLE conform_fetch_covered AS
WITH near AS (
  SELECT user_key, file_uid, time, 0 AS is_fetch, NULL AS request_id FROM conform_read WHERE file_uid IS NOT NULL
  UNION ALL SELECT user_key, file_uid, time, 1, sys_id FROM conform_fetch
), bare AS (
  SELECT user_key, time, 0 AS is_fetch, NULL AS request_id FROM conform_read WHERE file_uid IS NULL
  UNION ALL SELECT user_key, time, 1, sys_id FROM conform_fetch
)
SELECT request_id FROM (
  SELECT request_id, is_fetch, sum(1 - is_fetch) OVER (PARTITION BY user_key, file_uid ORDER BY time
    RANGE BETWEEN INTERVAL 30 SECONDS PRECEDING AND INTERVAL 30 SECONDS FOLLOWING) AS reads FROM near
) WHERE is_fetch = 1 AND reads > 0
UNION
SELECT request_id FROM (
  SELECT request_id, is_fetch, sum(1 - is_fetch) OVER around AS reads, sum(is_fetch) OVER around AS fetches FROM bare
  WINDOW around AS (PARTITION BY user_key ORDER BY time
    RANGE BETWEEN INTERVAL 30 SECONDS PRECEDING AND INTERVAL 30 SECONDS FOLLOWING)
) WHERE is_fetch = 1 AND reads > 0 AND 2 * reads > fetches
UNION SELECT request_id FROM conform_read_request
"""

PREPARE = (_READS, _FETCHES, _NEAREST, _COVERED)

_EVENT = """conform_read r LEFT JOIN conform_read_request m ON m.event_id = r.sys_id
  LEFT JOIN conform_fetch t ON t.sys_id = m.request_id
  LEFT JOIN conform_file f ON f.sys_id = COALESCE(r.file_uid, t.file_uid)
  WHERE r.in_day"""
_REQUEST = """conform_fetch t ANTI JOIN conform_fetch_covered c ON c.request_id = t.sys_id
  LEFT JOIN conform_file f ON f.sys_id = t.file_uid WHERE t.in_day"""

ACTIVITIES = (
    activity(
        _EVENT,
        activity_uid=uid("sysevent", "r.sys_id"), time="r.time", activity_name="'file_downloaded'", status="'success'",
        user_name="r.user_name", user_uid="r.user_id", session_uid="t.session",
        is_interactive="CASE WHEN t.kind = 'file_page' THEN true END",
        resource_type="'file'", resource_uid="COALESCE(r.file_uid, t.file_uid)", resource_name="COALESCE(r.file_name, f.name)",
        parent_table="COALESCE(r.parent_table, f.parent_table)", parent_uid="f.parent_uid",
        bytes="COALESCE(NULLIF(t.length, 0), f.size)", src_ip="t.ip", user_agent="t.agent",
        ip_source="CASE WHEN t.ip IS NOT NULL THEN 'transaction' END", source_table="'sysevent'", source_uid="r.sys_id",
    ),
    activity(
        _REQUEST,
        activity_uid=uid("syslog_transaction", "t.sys_id"), time="t.time", activity_name="'file_downloaded'",
        status="CASE WHEN t.is_failed THEN 'failure' ELSE 'success' END", user_name="t.user_name", session_uid="t.session",
        is_interactive="CASE WHEN t.kind = 'file_page' THEN true END", resource_type="'file'", resource_uid="t.file_uid",
        resource_name="f.name", parent_table="f.parent_table", parent_uid="f.parent_uid",
        bytes="COALESCE(NULLIF(t.length, 0), f.size)", src_ip="t.ip", user_agent="t.agent",
        detail="CASE WHEN t.kind = 'file_api' THEN 'REST' END",
        ip_source="CASE WHEN t.ip IS NOT NULL THEN 'transaction' END",
        source_table="'syslog_transaction'", source_uid="t.sys_id",
    ),
    activity(
        "conform_transaction t WHERE t.in_day AND t.kind = 'file_zip'",
        activity_uid=uid("syslog_transaction"), time="time", activity_name="'file_downloaded'",
        status="CASE WHEN is_failed THEN 'failure' ELSE 'success' END", user_name="user_name", session_uid="session",
        is_interactive="true", resource_type="'file'", resource_name="'all attachments of a record (zip)'", detail="'zip'",
        parent_table="NULLIF(regexp_extract(url, '[?&](sysparm_)?table(_name)?=([A-Za-z0-9_]+)', 3), '')",
        parent_uid="NULLIF(regexp_extract(url, '[?&](sysparm_)?sys_id=([0-9a-f]{31,32})', 2), '')",
        bytes="length", src_ip="ip", user_agent="agent", ip_source="CASE WHEN ip IS NOT NULL THEN 'transaction' END",
        source_table="'syslog_transaction'", source_uid="sys_id",
    ),
)  # fmt: skip
