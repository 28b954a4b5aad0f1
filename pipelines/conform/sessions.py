"""What happens to a session: logout, impersonation, elevation."""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

ACTIVITIES = (
    # raised after the session is gone: `user_name` is guest, the person is in parm1
    activity(
        "conform_event WHERE in_day AND name = 'logout'",
        activity_uid=uid("sysevent"), time="time", activity_name="'logout'", status="'success'",
        user_name="COALESCE(parm1, user_name)", session_uid="instance_uid", resource_type="'session'",
        resource_uid="instance_uid", src_ip="ip_of(parm2)",
        ip_source="CASE WHEN ip_of(parm2) IS NOT NULL THEN 'event' END", source_table="'sysevent'", source_uid="sys_id",
    ),
    activity(
        "conform_event WHERE in_day AND name IN ('impersonation.start', 'impersonation.end')",
        activity_uid=uid("sysevent"), time="time", status="'success'",
        activity_name="CASE name WHEN 'impersonation.start' THEN 'impersonation_start' ELSE 'impersonation_end' END",
        user_name="parm1", session_uid="instance_uid", is_interactive="true", resource_type="'sys_user'",
        resource_uid="(SELECT user_uid FROM conform_name n WHERE n.user_key = key_of(parm2))", resource_name="parm2",
        source_table="'sysevent'", source_uid="sys_id",
    ),
    activity(
        "conform_event WHERE in_day AND name = 'security.elevated_role.enabled'",
        activity_uid=uid("sysevent"), time="time", activity_name="'privilege_elevated'", status="'success'",
        user_name="COALESCE(parm1, user_name)",
        user_uid="CASE WHEN parm1 IS NULL OR key_of(parm1) = key_of(user_name) THEN user_id END",
        session_uid="instance_uid", is_interactive="true", resource_type="'sys_user_role'", resource_name="parm2", detail="parm2",
        source_table="'sysevent'", source_uid="sys_id",
    ),
)  # fmt: skip
