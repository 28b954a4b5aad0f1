"""Events that tell of reading and commenting, and every event that no other module knows."""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

#: Events that other modules turn into activities, and those that repeat what another row says better.
KNOWN = (
    "login", "login.failed", "logout", "session.established", "external.authentication.succeeded",
    "external.authentication.failed", "impersonation.start", "impersonation.end", "security.elevated_role.enabled",
    "attachment.read", "attachment.uploaded", "attachment.deleted", "attachment.renamed", "sys_user.insert", "sys_user.delete",
)  # fmt: skip
_KNOWN = ", ".join(f"'{name}'" for name in KNOWN)

_REST = f"""(
  SELECT *, CASE
      WHEN name = 'report.view' THEN 'report_viewed'
      WHEN suffix(name, '.view') THEN 'record_viewed'
      WHEN name LIKE 'cmdb.group.%' OR name LIKE 'sys_user_group.%' THEN 'group_changed'
      WHEN suffix(name, '.comments.added') OR suffix(name, '.worknotes.added') THEN 'record_updated'
      WHEN name = 'live_feed.update' AND parm1 IS NOT NULL THEN 'record_updated'
      ELSE 'other' END AS verb
  FROM conform_event
  WHERE in_day AND name NOT IN ({_KNOWN}) AND NOT starts_with(name, 'snc.auth.')
    AND NOT suffix(name, 'group_member.added') AND NOT suffix(name, 'group_member.removed')
) e
-- the audit of the same save says it better
ANTI JOIN conform_audit a ON e.verb = 'record_updated' AND a.record = e.instance_uid
  AND a.time BETWEEN e.time - INTERVAL 30 SECONDS AND e.time + INTERVAL 30 SECONDS"""

ACTIVITIES = (
    activity(
        _REST,
        activity_uid=uid("sysevent", "e.sys_id"), time="e.time", activity_name="e.verb",
        status="CASE WHEN e.state = 'error' THEN 'unknown' ELSE 'success' END",
        user_name="e.user_name", user_uid="e.user_id", is_system="starts_with(e.name, 'snc.') AND e.user_name IS NULL",
        is_interactive="CASE WHEN e.verb IN ('report_viewed', 'record_viewed') THEN true END",
        resource_type="e.on_table", resource_uid="COALESCE(e.instance_uid, CASE WHEN e.verb = 'group_changed' THEN hex_id(e.parm1) END)",
        resource_name="""CASE WHEN e.verb = 'record_updated' AND suffix(e.name, '.added') THEN e.parm1 END""",
        detail="""CASE e.verb WHEN 'record_updated' THEN CASE WHEN suffix(e.name, '.added') THEN 'comment' ELSE trim(e.parm1, '[] ') END
                  WHEN 'group_changed' THEN COALESCE(e.parm2, e.name) ELSE e.name END""",
        source_table="'sysevent'", source_uid="e.sys_id",
    ),
)  # fmt: skip
