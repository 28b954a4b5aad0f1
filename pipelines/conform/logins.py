"""Logins that worked and logins that did not.

One login raises up to three events within seconds: `login` (address), `session.established` (address) and
`external.authentication.succeeded` (single sign-on; no address). The one that knows most is kept.
"""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

#: How far apart events of one login may lie. Two `login` events are two logins, unless of one session.
MERGE = "INTERVAL 5 SECONDS"

_RAW = """
CREATE OR REPLACE TEMP TABLE conform_login_event AS
WITH told AS (
  SELECT e.*, CASE WHEN name = 'login' THEN 1 WHEN name = 'session.established' THEN 2 ELSE 3 END AS kind,
    CASE WHEN starts_with(name, 'snc.auth.') THEN NULLIF(regexp_extract(parm1, 'user_name=([^,;&[:space:]]+)', 1), '')
         ELSE parm1 END AS told_name
  FROM conform_event e
  WHERE name IN ('login', 'session.established', 'external.authentication.succeeded')
     OR (starts_with(name, 'snc.auth.') AND suffix(name, '.success'))
)
SELECT t.sys_id, t.time, t.in_day, t.name, t.kind, t.instance_uid AS session,
       COALESCE(i.user_name, t.told_name, CASE WHEN NOT is_platform(key_of(t.user_name)) THEN t.user_name END) AS user_name,
       COALESCE(i.user_uid, CASE WHEN key_of(t.user_name) = key_of(t.told_name) THEN t.user_id END) AS user_uid,
       CASE WHEN kind < 3 THEN ip_of(t.parm2) END AS ip
FROM told t LEFT JOIN conform_id i ON i.user_uid = hex_id(t.told_name)
"""

_MERGED = f"""
CREATE OR REPLACE TEMP TABLE conform_login AS
WITH ranked AS (
  SELECT *, key_of(user_name) AS user_key, kind + CASE WHEN ip IS NULL THEN 10 ELSE 0 END AS rank FROM conform_login_event
), near AS (
  SELECT *, min(rank) OVER around AS best, bool_or(kind = 3) OVER around AS is_external,
         time - lag(time) OVER (PARTITION BY user_key, kind, session, ip ORDER BY time, sys_id) <= {MERGE}
           AND session IS NOT NULL AS is_repeated
  FROM ranked
  WINDOW around AS (PARTITION BY user_key ORDER BY time RANGE BETWEEN {MERGE} PRECEDING AND {MERGE} FOLLOWING)
)
SELECT * FROM near WHERE (rank = best OR user_key IS NULL) AND is_repeated IS NOT TRUE
"""

# the browser is in the first request of the session, else in one of the same user and address; which second first, then
# what its request says: the lowest sys_id of that second
_AGENTS = """
CREATE OR REPLACE TEMP TABLE conform_login_agent AS
WITH wanted AS (SELECT *, time - INTERVAL 5 SECONDS AS since FROM conform_login WHERE in_day),
in_session AS (
  SELECT w.sys_id, t.session, t.time FROM wanted w ASOF JOIN
    (SELECT DISTINCT session, time FROM conform_transaction
     WHERE kind <> 'job' AND session IN (SELECT session FROM wanted)) t
    ON t.session = w.session AND t.time >= w.since WHERE t.time <= w.time + INTERVAL 30 SECONDS
), at_address AS (
  SELECT w.sys_id, t.user_key, t.ip, t.time FROM wanted w ASOF JOIN
    (SELECT DISTINCT user_key, ip, time FROM conform_transaction
     WHERE agent IS NOT NULL AND (user_key, ip) IN (SELECT (user_key, ip) FROM wanted)) t
    ON t.user_key = w.user_key AND t.ip = w.ip AND t.time >= w.since WHERE t.time <= w.time + INTERVAL 30 SECONDS
), by_session AS (
  SELECT f.sys_id, unnest(arg_min({agent: t.agent, ip: t.ip}, t.sys_id)) FROM in_session f JOIN conform_transaction t
    ON t.session = f.session AND t.time = f.time AND t.kind <> 'job' GROUP BY f.sys_id
), by_address AS (
  SELECT f.sys_id, arg_min(t.agent, t.sys_id) AS agent FROM at_address f JOIN conform_transaction t
    ON t.user_key = f.user_key AND t.ip = f.ip AND t.time = f.time AND t.agent IS NOT NULL GROUP BY f.sys_id
)
SELECT sys_id, COALESCE(s.agent, a.agent) AS agent, s.ip FROM by_session s FULL JOIN by_address a USING (sys_id)
"""

# where each user was seen to log in: one per user and second
_PLACES = """
CREATE OR REPLACE TEMP TABLE conform_login_place AS
SELECT user_key, time, unnest(arg_min({session: session, ip: ip}, sys_id)) FROM conform_login
WHERE ip IS NOT NULL AND user_key IS NOT NULL GROUP BY user_key, time
"""

PREPARE = (_RAW, _MERGED, _AGENTS, _PLACES)

_FAILED = """(
  SELECT e.*, i.user_uid AS told_uid, i.user_name AS told_user,
    CASE WHEN starts_with(name, 'snc.auth.') THEN NULLIF(regexp_extract(parm1, 'user_name=([^,;&[:space:]]+)', 1), '')
         WHEN name = 'login.failed' OR hex_id(parm1) IS NULL THEN parm1
         ELSE COALESCE(i.user_name, CASE WHEN NOT is_platform(key_of(e.user_name)) THEN e.user_name END) END AS typed,
    CASE WHEN name = 'external.authentication.failed' AND i.user_uid IS NULL THEN hex_id(parm1) END AS told_session
  FROM conform_event e LEFT JOIN conform_id i ON i.user_uid = hex_id(e.parm1)
  WHERE in_day AND (name IN ('login.failed', 'external.authentication.failed')
    OR (starts_with(name, 'snc.auth.') AND suffix(name, '.failed')))
)"""

ACTIVITIES = (
    activity(
        "conform_login l LEFT JOIN conform_login_agent a USING (sys_id) WHERE l.in_day",
        activity_uid=uid("sysevent", "l.sys_id"), time="l.time", activity_name="'login'", status="'success'",
        user_name="l.user_name", user_uid="l.user_uid", session_uid="l.session", resource_type="'session'",
        resource_uid="l.session", detail="CASE WHEN l.is_external THEN 'single sign-on' END",
        src_ip="COALESCE(l.ip, a.ip)", user_agent="a.agent",
        ip_source="CASE WHEN l.ip IS NOT NULL THEN 'event' WHEN a.ip IS NOT NULL THEN 'session' END",
        source_table="'sysevent'", source_uid="l.sys_id",
    ),
    activity(
        _FAILED,
        activity_uid=uid("sysevent"), time="time", activity_name="'login_failed'", status="'failure'", user_name="typed",
        user_uid="told_uid", session_uid="COALESCE(told_session, instance_uid)", resource_type="'session'",
        detail="CASE WHEN name = 'external.authentication.failed' THEN COALESCE(parm2, 'unknown reason') END",
        src_ip="CASE WHEN name = 'login.failed' THEN ip_of(parm2) END",
        ip_source="CASE WHEN name = 'login.failed' AND ip_of(parm2) IS NOT NULL THEN 'event' END",
        source_table="'sysevent'", source_uid="sys_id",
    ),
)  # fmt: skip
