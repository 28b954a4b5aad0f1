"""Files that came in, were renamed or deleted: rows of `sys_attachment` for the first, events for the others.

`attachment.uploaded` is not used: it fires once per action, even for several files.
"""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

_NEW = """(
  SELECT DISTINCT ON (sys_id) *, TRY_CAST(sys_created_on AS TIMESTAMP) AS time FROM raw_servicenow__sys_attachment
  WHERE sys_created_on >= $start AND sys_created_on < $end AND sys_id <> '' AND NOT starts_with(COALESCE(table_name, ''), 'ZZ_YY')
  ORDER BY sys_id, sys_updated_on DESC
) WHERE time IS NOT NULL"""

_TOUCHED = """(
  SELECT *, CASE WHEN name = 'attachment.deleted' THEN COALESCE(hex_id(parm2), hex_id(instance_uid))
                 WHEN on_table = 'sys_attachment' THEN COALESCE(hex_id(instance_uid), hex_id(parm2), hex_id(parm1))
                 ELSE COALESCE(hex_id(parm2), hex_id(parm1), hex_id(instance_uid)) END AS file_uid
  FROM conform_event WHERE in_day AND name IN ('attachment.deleted', 'attachment.renamed')
) e LEFT JOIN conform_file f ON f.sys_id = e.file_uid"""

ACTIVITIES = (
    activity(
        _NEW,
        activity_uid=uid("sys_attachment"), time="time", activity_name="'file_uploaded'",
        status="CASE WHEN state = 'not_available' THEN 'failure' ELSE 'success' END", user_name="NULLIF(sys_created_by, '')",
        resource_type="'file'", resource_uid="sys_id", resource_name="NULLIF(file_name, '')",
        parent_table="NULLIF(table_name, '')", parent_uid="NULLIF(table_sys_id, '')", bytes="TRY_CAST(size_bytes AS BIGINT)",
        detail="NULLIF(content_type, '')", source_table="'sys_attachment'", source_uid="sys_id",
    ),
    # how a rename fills its parameters is not documented: both are kept as they came
    activity(
        _TOUCHED,
        activity_uid=uid("sysevent", "e.sys_id"), time="e.time", status="'success'",
        activity_name="CASE e.name WHEN 'attachment.deleted' THEN 'file_deleted' ELSE 'file_renamed' END",
        user_name="e.user_name", user_uid="e.user_id", resource_type="'file'", resource_uid="e.file_uid", resource_name="f.name",
        parent_table="f.parent_table", parent_uid="f.parent_uid", bytes="f.size",
        detail="CASE WHEN e.name = 'attachment.renamed' THEN concat_ws(' | ', e.parm1, e.parm2) END",
        source_table="'sysevent'", source_uid="e.sys_id",
    ),
)  # fmt: skip
