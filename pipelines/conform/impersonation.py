"""Who really acted: impersonation windows give an action that the platform attributes to one user to another.

A window opens at `impersonation.start` and closes at the impersonator's `impersonation.end`, next start or logout, at the
latest after twelve hours. Inside it an action under the impersonated name is the impersonator's where it happened in the
impersonator's session; the impersonated person may be at work meanwhile, in a session of their own.
"""

from __future__ import annotations

_WINDOWS = """
CREATE OR REPLACE TEMP TABLE conform_window AS
WITH start AS (
  SELECT sys_id, time, parm1 AS impersonator, key_of(parm1) AS by_key, key_of(parm2) AS target_key, hex_id(instance_uid) AS session
  FROM conform_event WHERE name = 'impersonation.start' AND parm1 IS NOT NULL AND parm2 IS NOT NULL
), origin AS (
  SELECT s.sys_id, l.session, l.ip FROM start s ASOF JOIN conform_login_place l
    ON l.user_key = s.by_key AND l.time <= s.time WHERE l.time >= s.time - INTERVAL 12 HOURS
), closer AS (
  SELECT sys_id, time, name, key_of(parm1) AS by_key, hex_id(instance_uid) AS session FROM conform_event
  WHERE name IN ('impersonation.start', 'impersonation.end', 'logout')
)
SELECT s.sys_id, s.time, s.impersonator, s.target_key, COALESCE(any_value(s.session), any_value(o.session)) AS session,
       any_value(o.ip) AS ip, LEAST(min(c.time), s.time + INTERVAL 12 HOURS) AS until
FROM start s LEFT JOIN origin o USING (sys_id)
LEFT JOIN closer c ON (c.by_key = s.by_key OR (c.name = 'logout' AND c.session = COALESCE(s.session, o.session)))
  AND c.sys_id <> s.sys_id AND (c.time > s.time OR (c.time = s.time AND c.name = 'impersonation.end'))
  AND (c.name <> 'logout' OR c.session IS NULL OR c.session = COALESCE(s.session, o.session, c.session))
GROUP BY s.sys_id, s.time, s.impersonator, s.target_key
"""

# rows without a session take that of the nearest request under the same name
_ACTED = """
CREATE OR REPLACE TEMP TABLE conform_impersonated AS
WITH candidate AS (
  SELECT f.activity_uid, f.time, f.src_ip, f.session_uid, w.sys_id AS window_id, w.impersonator, w.target_key,
         w.time AS since, w.session, w.ip
  FROM conform_found f JOIN conform_window w ON key_of(f.user_name) = w.target_key AND f.time BETWEEN w.time AND w.until
  WHERE f.activity_name NOT IN ('login', 'login_failed', 'logout', 'impersonation_start', 'impersonation_end', 'email_received')
    AND f.is_system IS NOT TRUE
), near AS (
  SELECT c.activity_uid, unnest(arg_min({session: t.session, ip: t.ip}, (abs(epoch(t.time) - epoch(c.time)), t.time, t.sys_id)))
  FROM candidate c JOIN conform_transaction t ON t.user_key = c.target_key AND t.session IS NOT NULL AND t.kind <> 'job'
    AND t.time BETWEEN c.time - INTERVAL 30 SECONDS AND c.time + INTERVAL 30 SECONDS
  WHERE c.session_uid IS NULL GROUP BY c.activity_uid
), told AS (
  SELECT c.*, COALESCE(c.session_uid, n.session) AS seen, COALESCE(c.src_ip, n.ip) AS seen_ip
  FROM candidate c LEFT JOIN near n USING (activity_uid)
), judged AS (
  SELECT t.*, t.seen = t.session AS is_same, bool_or(l.session = t.seen) AS is_own,
         bool_or(l.time BETWEEN t.time - INTERVAL 12 HOURS AND t.time) AS is_there
  FROM told t LEFT JOIN conform_login l ON l.user_key = t.target_key GROUP BY ALL
)
SELECT DISTINCT ON (activity_uid) activity_uid, impersonator FROM judged
WHERE is_same OR (is_same IS NOT TRUE AND is_own IS NOT TRUE AND CASE
    WHEN seen IS NULL THEN is_there IS NOT TRUE
    WHEN session IS NULL THEN true
    ELSE seen_ip = ip END)
ORDER BY activity_uid, is_same DESC NULLS LAST, since DESC, window_id
"""

#: Before the activities are gathered, and after.
PREPARE = (_WINDOWS,)
RESOLVE = (_ACTED,)
