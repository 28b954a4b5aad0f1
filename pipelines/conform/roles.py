"""Roles and group membership: the role audit and events, else new and missing rows of the snapshots."""

from __future__ import annotations

from pipelines.conform.people import KNOWN_ROLES
from pipelines.conform.shape import activity

_KNOWN = ", ".join(f"('{uid}', '{name}')" for uid, name in KNOWN_ROLES.items())

# one row per grant or revocation: `subject` the account, `thing` the role or group
_SAID = """
CREATE OR REPLACE TEMP TABLE conform_membership AS
SELECT DISTINCT 'sys_audit_role' AS source, sys_id, TRY_CAST(sys_created_on AS TIMESTAMP) AS time,
       CASE WHEN lower(operation) IN ('added', 'add') THEN 'role_granted' ELSE 'role_revoked' END AS verb,
       NULLIF("user", '') AS subject, NULLIF(role, '') AS thing, NULL AS user_name, hex_id(changed_by) AS user_uid,
       CASE WHEN granted_by_group <> '' THEN 'through group ' || granted_by_group END AS note
FROM raw_servicenow__sys_audit_role
WHERE sys_created_on >= $start AND sys_created_on < $end AND sys_id <> '' AND TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL
UNION ALL
-- parm1 and parm2 are the group and the member; which is which is settled by who is an account
SELECT 'sysevent', sys_id, time,
       CASE WHEN suffix(name, '.added') THEN 'group_member_added' ELSE 'group_member_removed' END,
       CASE WHEN parm1 IN (SELECT user_uid FROM conform_id) THEN parm1 ELSE parm2 END,
       CASE WHEN parm1 IN (SELECT user_uid FROM conform_id) THEN parm2 ELSE parm1 END, user_name, user_id, name
FROM conform_event
WHERE in_day AND (suffix(name, 'group_member.added') OR suffix(name, 'group_member.removed'))
"""

_NEW = """
INSERT INTO conform_membership
SELECT 'sys_user_has_role', sys_id, TRY_CAST(sys_created_on AS TIMESTAMP), 'role_granted', "user", role,
       NULLIF(sys_created_by, ''), NULL, CASE WHEN granted_by <> '' THEN 'through group ' || granted_by END
FROM raw_servicenow__sys_user_has_role h
WHERE sys_created_on >= $start AND sys_created_on < $end AND TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL
  AND COALESCE(inherited, '') <> 'true' AND NOT EXISTS (
    FROM conform_membership m WHERE m.verb = 'role_granted' AND m.subject = h."user" AND m.thing = h.role)
UNION ALL
SELECT 'sys_user_grmember', sys_id, TRY_CAST(sys_created_on AS TIMESTAMP), 'group_member_added', "user", "group",
       NULLIF(sys_created_by, ''), NULL, NULL
FROM raw_servicenow__sys_user_grmember g
WHERE sys_created_on >= $start AND sys_created_on < $end AND TRY_CAST(sys_created_on AS TIMESTAMP) IS NOT NULL
  AND NOT EXISTS (FROM conform_membership m WHERE m.verb = 'group_member_added' AND m.subject = g."user" AND m.thing = g."group")
"""

PREPARE = (_SAID, _NEW)

_MISSING_ROLE = """
INSERT INTO conform_membership
SELECT 'sys_user_has_role', old.sys_id, CAST($end AS TIMESTAMP) - INTERVAL 1 SECOND, 'role_revoked', old."user", old.role,
       NULL, NULL, 'difference of snapshots'
FROM raw_servicenow__sys_user_has_role__previous old ANTI JOIN raw_servicenow__sys_user_has_role now USING (sys_id)
WHERE COALESCE(old.inherited, '') <> 'true' AND NOT EXISTS (
  FROM conform_membership m WHERE m.verb = 'role_revoked' AND m.subject = old."user" AND m.thing = old.role)
"""
_MISSING_MEMBER = """
INSERT INTO conform_membership
SELECT 'sys_user_grmember', old.sys_id, CAST($end AS TIMESTAMP) - INTERVAL 1 SECOND, 'group_member_removed', old."user", old."group",
       NULL, NULL, 'difference of snapshots'
FROM raw_servicenow__sys_user_grmember__previous old ANTI JOIN raw_servicenow__sys_user_grmember now USING (sys_id)
WHERE NOT EXISTS (
  FROM conform_membership m WHERE m.verb = 'group_member_removed' AND m.subject = old."user" AND m.thing = old."group")
"""

#: Only where the snapshot of the day and the one before it are at hand, each by the table that it compares.
COMPARE = {
    "raw_servicenow__sys_user_has_role": _MISSING_ROLE,
    "raw_servicenow__sys_user_grmember": _MISSING_MEMBER,
}

_NAMED = f"""conform_membership m
  LEFT JOIN conform_id i ON i.user_uid = m.subject
  LEFT JOIN conform_id w ON w.user_uid = m.user_uid
  LEFT JOIN (SELECT sys_id, any_value(name) AS name FROM (
      SELECT sys_id, NULLIF(name, '') AS name FROM raw_servicenow__sys_user_role
      UNION ALL SELECT sys_id, NULLIF(name, '') FROM raw_servicenow__sys_user_group
      UNION ALL FROM (VALUES {_KNOWN})) WHERE name IS NOT NULL GROUP BY sys_id) r ON r.sys_id = m.thing"""

ACTIVITIES = (
    activity(
        _NAMED,
        activity_uid="m.source || ':' || m.sys_id || CASE WHEN m.verb LIKE '%revoked' OR m.verb LIKE '%removed'"
        " THEN CASE WHEN m.source LIKE 'sys_user%' THEN ':gone' ELSE '' END ELSE '' END",
        time="m.time", activity_name="m.verb", status="'success'", user_name="COALESCE(m.user_name, w.user_name)", user_uid="m.user_uid",
        resource_type="'sys_user'", resource_uid="m.subject", resource_name="i.user_name",
        parent_table="CASE WHEN starts_with(m.verb, 'role') THEN 'sys_user_role' ELSE 'sys_user_group' END",
        parent_uid="m.thing", detail="COALESCE(r.name, m.thing)", source_table="m.source", source_uid="m.sys_id",
    ),
)  # fmt: skip
