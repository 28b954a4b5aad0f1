"""Who the actor was when it happened: `core__user` of the day, with the day's own changes taken back where they came later."""

from __future__ import annotations

#: Spans within the day in which a changed account was active or not; accounts without a change are not in it.
CHANGES = """
CREATE OR REPLACE TEMP TABLE enrich_change AS
WITH change AS (
  SELECT DISTINCT resource_uid AS user_uid, time, activity_name IN ('user_enabled', 'user_created') AS is_on
  FROM enrich_input
  WHERE resource_type = 'sys_user' AND resource_uid IS NOT NULL
    AND activity_name IN ('user_enabled', 'user_disabled', 'user_created', 'user_deleted')
), ordered AS (
  SELECT *, lag(time) OVER per_user AS earlier, lead(time) OVER per_user AS later FROM change
  WINDOW per_user AS (PARTITION BY user_uid ORDER BY time, is_on)
)
SELECT user_uid, time AS valid_from, COALESCE(later, TIMESTAMP '9999-12-31') AS valid_to, is_on AS is_active FROM ordered
UNION ALL
SELECT user_uid, TIMESTAMP '0001-01-01', time, NOT is_on FROM ordered WHERE earlier IS NULL
"""

PROFILE = """
CREATE OR REPLACE TEMP TABLE enrich_profile AS
SELECT user_uid, department, is_external, is_integration, is_privileged, is_active, updated_at, profile_source FROM {users}
"""
