"""From what a row says to who did it and from where: names to accounts, addresses for rows that carry none."""

from __future__ import annotations

from pipelines.contracts.core._activity_names import OCSF

_OCSF = ", ".join(f"('{name}', {class_uid}, {activity_id})" for name, (class_uid, activity_id) in OCSF.items())

# When a row without an address may look for one. What the request says is fetched for the second that was chosen:
# keeping it for each of a day's seconds cost twice as much.
_REQUESTS = """
CREATE OR REPLACE TEMP TABLE conform_request AS
SELECT DISTINCT user_key, time FROM conform_transaction WHERE ip IS NOT NULL AND kind <> 'job'
"""

# Address, browser and session of the nearest request of the same user within 30 s (of one second the lowest sys_id, so that no
# order of rows matters), else the last login's address.
# Never for a failed login: whoever typed the name need not be where its owner is.
_PLACED = """
CREATE OR REPLACE TEMP TABLE conform_placed AS
WITH homeless AS (
  SELECT f.activity_uid, f.time, f.activity_name, key_of(f.user_name) AS user_key,
         COALESCE(key_of(i.impersonator), key_of(f.user_name)) AS actor_key
  FROM conform_found f LEFT JOIN conform_impersonated i USING (activity_uid)
  WHERE f.src_ip IS NULL AND f.user_name IS NOT NULL AND f.is_system IS NOT TRUE
    AND f.activity_name NOT IN ('login_failed', 'email_received') AND NOT is_platform(key_of(f.user_name))
), near AS (
  SELECT h.activity_uid, h.user_key, r.time, h.time - r.time AS apart FROM homeless h ASOF JOIN conform_request r
    ON r.user_key = h.user_key AND r.time <= h.time WHERE r.time >= h.time - INTERVAL 30 SECONDS
  UNION ALL
  SELECT h.activity_uid, h.user_key, r.time, r.time - h.time + INTERVAL 1 MICROSECOND FROM homeless h ASOF JOIN conform_request r
    ON r.user_key = h.user_key AND r.time >= h.time WHERE r.time <= h.time + INTERVAL 30 SECONDS
), nearest AS (
  SELECT activity_uid, any_value(user_key) AS user_key, arg_min(time, apart) AS time FROM near GROUP BY activity_uid
), request AS (
  SELECT n.activity_uid, unnest(arg_min({ip: t.ip, agent: t.agent, session: t.session}, t.sys_id))
  FROM nearest n JOIN conform_transaction t
    ON t.user_key = n.user_key AND t.time = n.time AND t.ip IS NOT NULL AND t.kind <> 'job'
  GROUP BY n.activity_uid
), login AS (
  SELECT h.activity_uid, l.ip FROM homeless h ASOF JOIN conform_login_place l
    ON l.user_key = h.actor_key AND l.time <= h.time
  WHERE l.time >= h.time - INTERVAL 24 HOURS AND h.activity_name <> 'login'
)
SELECT activity_uid, COALESCE(r.ip, l.ip) AS ip, r.agent, r.session,
       CASE WHEN r.ip IS NOT NULL THEN 'transaction' ELSE 'last_login' END AS ip_source
FROM request r FULL JOIN login l USING (activity_uid)
"""

_ACTIVITIES = f"""
CREATE OR REPLACE TEMP TABLE conform_activity AS
WITH acted AS (
  SELECT f.*, i.impersonator, COALESCE(i.impersonator, f.user_name) AS actor, p.ip AS placed_ip, p.ip_source AS placed_source,
         p.agent AS placed_agent, p.session AS placed_session
  FROM conform_found f LEFT JOIN conform_impersonated i USING (activity_uid) LEFT JOIN conform_placed p USING (activity_uid)
)
SELECT $instance AS instance, CAST($day AS DATE) AS event_date, a.activity_uid, a.time, a.activity_name, o.class_uid, o.activity_id,
  a.status,
  COALESCE(CASE WHEN a.impersonator IS NULL THEN a.user_uid END, n.user_uid) AS actor_user_uid,
  COALESCE(n.user_name, a.actor, i.user_name) AS actor_user_name,
  a.impersonator IS NOT NULL AS is_impersonated,
  COALESCE(a.user_name, i.user_name) AS effective_user_name,
  COALESCE(a.session_uid, a.placed_session) AS session_uid, a.is_interactive,
  COALESCE(list_contains($own, key_of(COALESCE(a.actor, i.user_name))), false) AS is_own,
  COALESCE(a.is_system, false) OR (a.activity_name <> 'login_failed' AND COALESCE(is_platform(key_of(COALESCE(a.actor, i.user_name))), false))
    AS is_system,
  a.resource_type, a.resource_uid, a.resource_name, a.parent_table, a.parent_uid, a.bytes, a.row_count, a.detail,
  COALESCE(a.src_ip, a.placed_ip) AS src_ip,
  CASE WHEN a.src_ip IS NOT NULL THEN a.ip_source ELSE a.placed_source END AS ip_source,
  COALESCE(a.user_agent, a.placed_agent) AS user_agent, a.source_table, a.source_uid
FROM acted a LEFT JOIN conform_name n ON n.user_key = key_of(a.actor)
LEFT JOIN conform_id i ON i.user_uid = a.user_uid AND a.actor IS NULL
LEFT JOIN (VALUES {_OCSF}) o(name, class_uid, activity_id) ON o.name = a.activity_name
"""

# of a day of two million rows these are more than a gigabyte, which sorting the activities would push to disk
_DROPPED = tuple(f"DROP TABLE conform_{name}" for name in ("event", "audit", "file", "transaction", "request"))

RESOLVE = (_REQUESTS, _PLACED, *_DROPPED, _ACTIVITIES, "DROP TABLE conform_placed", "DROP TABLE conform_found")
