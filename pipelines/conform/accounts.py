"""Accounts created, deleted, switched on and off, locked: events and audit, else the difference of two snapshots."""

from __future__ import annotations

from pipelines.conform.shape import activity

# what events and audit say: verb, whose account, by whom; a row just outside the day still speaks for one inside
_SAID = """
CREATE OR REPLACE TEMP TABLE conform_account AS
SELECT 'sysevent' AS source, sys_id, time, CASE name WHEN 'sys_user.insert' THEN 'user_created' ELSE 'user_deleted' END AS verb,
       hex_id(parm1) AS subject, user_name, user_id AS user_uid, in_day
FROM conform_event WHERE name IN ('sys_user.insert', 'sys_user.delete')
UNION ALL
SELECT 'sys_audit', sys_id, time,
       CASE WHEN field = 'DELETED' THEN 'user_deleted'
            WHEN field = 'active' THEN CASE WHEN lower(new) IN ('true', '1') THEN 'user_enabled' ELSE 'user_disabled' END
            ELSE CASE WHEN lower(new) IN ('true', '1') THEN 'user_locked' ELSE 'user_unlocked' END END,
       record, user_name, NULL, in_day
FROM conform_audit WHERE on_table = 'sys_user' AND field IN ('active', 'locked_out', 'DELETED')
"""

# what the snapshot's own columns say of the day
_CREATED = """
INSERT INTO conform_account
SELECT 'sys_user', sys_id, TRY_CAST(sys_created_on AS TIMESTAMP), 'user_created', sys_id, NULLIF(sys_created_by, ''), NULL, true
FROM raw_servicenow__sys_user u
WHERE sys_created_on >= $start AND sys_created_on < $end AND TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL
  AND NOT EXISTS (FROM conform_account a WHERE a.subject = u.sys_id AND a.verb = 'user_created')
"""

PREPARE = (_SAID, _CREATED)

# the time of a change is that of the row's last update where it lies in the day, else unknown within the day: its end
_CHANGED = """
INSERT INTO conform_account
WITH moved AS (
  SELECT now.sys_id, now.sys_updated_on AS changed_on, now.sys_updated_by AS changed_by,
    unnest([CASE WHEN now.active <> old.active THEN CASE now.active WHEN 'true' THEN 'user_enabled' ELSE 'user_disabled' END END,
            CASE WHEN now.locked_out <> old.locked_out
                 THEN CASE now.locked_out WHEN 'true' THEN 'user_locked' ELSE 'user_unlocked' END END]) AS verb
  FROM raw_servicenow__sys_user now JOIN raw_servicenow__sys_user__previous old USING (sys_id)
  UNION ALL
  SELECT old.sys_id, NULL, NULL, 'user_deleted' FROM raw_servicenow__sys_user__previous old
  ANTI JOIN raw_servicenow__sys_user now USING (sys_id)
)
SELECT 'sys_user', m.sys_id,
       CASE WHEN changed_on >= $start AND changed_on < $end THEN TRY_CAST(changed_on AS TIMESTAMP)
            ELSE CAST($end AS TIMESTAMP) - INTERVAL 1 SECOND END,
       verb, m.sys_id, CASE WHEN changed_on >= $start AND changed_on < $end THEN NULLIF(changed_by, '') END, NULL, true
FROM moved m
WHERE verb IS NOT NULL AND NOT EXISTS (FROM conform_account a WHERE a.subject = m.sys_id AND a.verb = m.verb)
"""

#: Only where the snapshot of the day and the one before it are at hand.
COMPARE = (_CHANGED,)

ACTIVITIES = (
    activity(
        "conform_account a LEFT JOIN conform_id i ON i.user_uid = a.subject WHERE a.in_day",
        activity_uid="a.source || ':' || a.sys_id || CASE WHEN a.source = 'sys_user' THEN ':' || a.verb || ':' || $day ELSE '' END",
        time="a.time", activity_name="a.verb", status="'success'", user_name="a.user_name", user_uid="a.user_uid",
        resource_type="'sys_user'", resource_uid="a.subject", resource_name="i.user_name",
        detail="CASE WHEN a.source = 'sys_user' THEN 'difference of snapshots' END",
        source_table="a.source", source_uid="a.sys_id",
    ),
)  # fmt: skip
