"""Every other request: pages, records, API calls, background polling and jobs."""

from __future__ import annotations

from pipelines.conform.shape import activity, uid

# `/incident.do?sys_id=…`, `/now/workspace/…/record/incident/<id>`, `/sp?id=ticket&table=incident&sys_id=…`
_RECORD = """
  CASE WHEN kind = 'page' AND contains(url, '.do?') AND (contains(url, 'sys_id=') OR contains(url, 'sys_kb_id='))
         THEN regexp_extract(url, '/([A-Za-z0-9_]+)[.]do[?].*?sys_(?:kb_)?id=([0-9a-f]{32})', ['on_table', 'record'])
       WHEN kind = 'page' AND contains(url, '/record/')
         THEN regexp_extract(url, '/record/([A-Za-z0-9_]+)/([0-9a-f]{32})', ['on_table', 'record'])
       WHEN kind = 'page' AND contains(url, '&table=')
         THEN regexp_extract(url, '&table=([A-Za-z0-9_]+)&sys_id=([0-9a-f]{32})', ['on_table', 'record'])
       WHEN kind = 'api' AND contains(url, '/api/now/')
         THEN regexp_extract(url, '/api/now/(?:v[0-9]+/)?(?:table|stats|import)/([A-Za-z0-9_]+)/?([0-9a-f]{32})?',
                             ['on_table', 'record'])
       WHEN contains(url, '.do')
         THEN regexp_extract(url, '/([A-Za-z0-9_]+?)(?:_list)?[.]do()', ['on_table', 'record'])
  END"""

#: Pages about a record of another table than the one in the address bar.
_PAGES = "('kb_view', 'kb_article', 'kb_article_view')"

_OTHERS = f"""(
  SELECT *, CASE WHEN named.on_table IN {_PAGES} THEN 'kb_knowledge' ELSE NULLIF(lower(named.on_table), '') END AS on_table,
         NULLIF(named.record, '') AS record
  FROM (SELECT *, {_RECORD} AS named FROM conform_transaction
        WHERE in_day AND kind IN ('page', 'api', 'background', 'job'))
)"""

ACTIVITIES = (
    activity(
        _OTHERS,
        activity_uid=uid("syslog_transaction"), time="time",
        activity_name="""CASE kind WHEN 'job' THEN 'other' WHEN 'background' THEN 'other' WHEN 'api' THEN 'api_request'
                         ELSE CASE WHEN record IS NOT NULL THEN 'record_viewed' ELSE 'page_viewed' END END""",
        status="CASE WHEN is_failed THEN 'failure' ELSE 'success' END", user_name="user_name", session_uid="session",
        is_interactive="CASE kind WHEN 'job' THEN false WHEN 'page' THEN true END", is_system="kind = 'job'",
        resource_type="CASE WHEN kind = 'job' THEN 'job' ELSE on_table END", resource_uid="record",
        resource_name="""CASE kind WHEN 'job' THEN regexp_replace(url, '^JOB:? *', '')
                         ELSE split_part(url, '?', 1) END""",
        bytes="length", src_ip="ip", user_agent="agent", ip_source="CASE WHEN ip IS NOT NULL THEN 'transaction' END",
        source_table="'syslog_transaction'", source_uid="sys_id",
    ),
)  # fmt: skip
