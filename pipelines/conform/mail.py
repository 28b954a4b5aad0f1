"""Mail: who sent what to which domains. Bodies are never read."""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

_MAIL = """(
  SELECT DISTINCT ON (sys_id) *, TRY_CAST(sys_created_on AS TIMESTAMP) AS time,
    lower(concat_ws(',', recipients, copied, blind_copied)) AS everybody
  FROM raw_servicenow__sys_email WHERE sys_created_on >= $start AND sys_created_on < $end AND sys_id <> ''
  ORDER BY sys_id, sys_updated_on DESC
) WHERE time IS NOT NULL"""

ACTIVITIES = (
    # `user_id` of a sent mail is often its reader, and `user` a display of it: who wrote the row is the sender
    activity(
        _MAIL,
        activity_uid=uid("sys_email"), time="time",
        activity_name="CASE WHEN starts_with(type, 'sen') THEN 'email_sent' ELSE 'email_received' END",
        status="""CASE WHEN type IN ('sent', 'received') THEN 'success' WHEN type = 'send-failed' OR state = 'error' THEN 'failure'
                  ELSE 'unknown' END""",
        user_name="""CASE WHEN starts_with(type, 'sen') THEN NULLIF(sys_created_by, '')
                     ELSE COALESCE(NULLIF("user", ''), NULLIF(sys_created_by, '')) END""",
        user_uid="CASE WHEN NOT starts_with(type, 'sen') THEN hex_id(user_id) END",
        resource_type="'email'", resource_uid="sys_id", resource_name="NULLIF(subject, '')",
        parent_table="NULLIF(target_table, '')", parent_uid="NULLIF(instance_uid, '')",
        detail="""NULLIF(array_to_string(list_sort(list_distinct(
                    regexp_extract_all(everybody, '@([^@,;<>\\s]+)', 1))), ', '), '')""",
        source_table="'sys_email'", source_uid="sys_id",
    ),
)  # fmt: skip
