"""Records changed and deleted, and configuration: audited fields, folded to one activity per save."""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

#: Tables whose change is a change of the platform's configuration, not of a business record.
CONFIGURATION = (
    "sys_properties", "sys_update_xml", "sys_security_acl", "sys_security_acl_role", "sys_script", "sys_script_include",
    "sys_script_client", "sys_processor", "sys_ws_operation", "sys_dictionary", "sys_db_object", "sys_plugins", "v_plugin",
    "sys_store_app", "sys_app", "sys_public", "sys_certificate", "sys_rate_limit_rules", "sys_ui_action", "sys_ui_policy",
    "sys_data_policy2", "sys_user_role", "sys_user_role_contains", "sys_group_has_role", "sysauto_script", "sysauto",
    "sysevent_script_action", "sysevent_email_action", "oauth_entity", "ip_access", "multi_factor_criteria",
)  # fmt: skip
_CONFIGURATION = ", ".join(f"'{name}'" for name in CONFIGURATION)

#: Fields and tables that have verbs of their own, in `accounts` and `roles`.
ELSEWHERE = "(on_table = 'sys_user' AND field IN ('active', 'locked_out', 'DELETED'))"

# one save writes one row per field, all in one second
_SAVES = f"""
CREATE OR REPLACE TEMP TABLE conform_save AS
SELECT min(sys_id) AS sys_id, time, on_table, record, user_name, field = 'DELETED' AS is_deletion,
       bool_or(field <> 'DELETED' AND COALESCE(old, '') = '' AND field IN ('sys_created_on', 'sys_id')) AS is_insert,
       left(array_to_string(list_sort(list(DISTINCT field) FILTER (field <> 'DELETED')), ', '), 1000) AS fields
FROM conform_audit WHERE in_day AND NOT {ELSEWHERE}
GROUP BY time, on_table, record, user_name, field = 'DELETED'
"""

PREPARE = (_SAVES,)

_DELETED = """(
  SELECT DISTINCT ON (sys_id) *, TRY_CAST(sys_created_on AS TIMESTAMP) AS time, lower(tablename) AS on_table
  FROM raw_servicenow__sys_audit_delete WHERE sys_created_on >= $start AND sys_created_on < $end AND sys_id <> ''
  ORDER BY sys_id
) d ANTI JOIN conform_audit a ON a.field = 'DELETED' AND a.record = d.documentkey
    AND a.time BETWEEN d.time - INTERVAL 30 SECONDS AND d.time + INTERVAL 30 SECONDS
  ANTI JOIN conform_event e ON e.name = 'attachment.deleted' AND e.parm2 = d.documentkey AND d.on_table = 'sys_attachment'
  WHERE d.time IS NOT NULL AND d.on_table <> 'sys_user'"""

# changed on the day by the snapshot's own columns, where nothing audits the table
_PROPERTIES = """(
  SELECT *, TRY_CAST(sys_updated_on AS TIMESTAMP) AS time FROM raw_servicenow__sys_properties
  WHERE sys_updated_on >= $start AND sys_updated_on < $end AND sys_id <> ''
) p ANTI JOIN (FROM conform_audit WHERE in_day AND on_table = 'sys_properties') a ON a.record = p.sys_id
  WHERE p.time IS NOT NULL"""

ACTIVITIES = (
    activity(
        "conform_save s LEFT JOIN (SELECT sys_id AS known, any_value(name) AS name FROM raw_servicenow__sys_properties"
        " GROUP BY ALL) p ON s.on_table = 'sys_properties' AND p.known = s.record",
        activity_uid=uid("sys_audit", "s.sys_id"), time="s.time", status="'success'", user_name="s.user_name",
        activity_name=f"""CASE WHEN s.is_deletion AND s.on_table = 'sys_attachment' THEN 'file_deleted'
          WHEN s.on_table IN ({_CONFIGURATION}) THEN 'configuration_changed'
          WHEN s.is_deletion THEN 'record_deleted' WHEN s.is_insert THEN 'record_created' ELSE 'record_updated' END""",
        resource_type="s.on_table", resource_uid="s.record", resource_name="NULLIF(p.name, '')",
        detail="CASE WHEN s.is_deletion THEN 'deleted' ELSE s.fields END", source_table="'sys_audit'", source_uid="s.sys_id",
    ),
    activity(
        _DELETED,
        activity_uid=uid("sys_audit_delete", "d.sys_id"), time="d.time", status="'success'",
        activity_name=f"""CASE WHEN d.on_table = 'sys_attachment' THEN 'file_deleted'
          WHEN d.on_table IN ({_CONFIGURATION}) THEN 'configuration_changed' ELSE 'record_deleted' END""",
        user_name="NULLIF(d.sys_created_by, '')", detail="'deleted'",
        resource_type="CASE WHEN d.on_table = 'sys_attachment' THEN 'file' ELSE d.on_table END",
        resource_uid="NULLIF(d.documentkey, '')", resource_name="NULLIF(d.display_value, '')",
        source_table="'sys_audit_delete'", source_uid="d.sys_id",
    ),
    activity(
        _PROPERTIES,
        activity_uid="'sys_properties:' || p.sys_id || ':' || p.sys_updated_on", time="p.time",
        activity_name="'configuration_changed'", status="'success'", user_name="NULLIF(p.sys_updated_by, '')",
        resource_type="'sys_properties'", resource_uid="p.sys_id", resource_name="NULLIF(p.name, '')", detail="'value'",
        source_table="'sys_properties'", source_uid="p.sys_id",
    ),
)  # fmt: skip
