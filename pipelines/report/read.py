"""What the page shows, read from the published file: the same rows a BI tool sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]
MOST_ALERTS = 200
MOST_EVIDENCE = 25
MOST_FEATURES = 5
GRID_DAYS = 14

_ALERTS = """
SELECT *, CASE severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END AS rank FROM mart.alerts
WHERE status <> 'closed' ORDER BY priority DESC NULLS LAST, last_seen DESC, alert_uid LIMIT ?
"""
# a list, which reaches the tables behind the view; of IN (SELECT ...) all evidence would be joined first
_EVIDENCE = """
SELECT * FROM mart.alert_evidence WHERE list_contains(?, alert_uid)
QUALIFY row_number() OVER (PARTITION BY alert_uid ORDER BY time, source_uid) <= ? ORDER BY alert_uid, time, source_uid
"""
_STRANGE = """
SELECT * FROM mart.alert_attributions WHERE contribution < 0 AND alert_uid IN (SELECT unnest(?))
QUALIFY row_number() OVER (PARTITION BY alert_uid ORDER BY contribution, feature) <= ? ORDER BY alert_uid, contribution, feature
"""
_BEHAVIORS = "SELECT policy_id, suppressed_by, count(*) AS n, max(last_seen) AS last_seen FROM mart.behaviors GROUP BY ALL ORDER BY n DESC"
_COVERAGE = """
SELECT policy_id, state, reason FROM mart.coverage
QUALIFY event_date = max(event_date) OVER (PARTITION BY instance) ORDER BY instance, policy_id
"""
_STEPS = """
SELECT step, sum(rows) FILTER (WHERE "table" <> '')::BIGINT AS rows, max(seconds) FILTER (WHERE "table" = '') AS seconds, min(time) AS time
FROM mart.runs WHERE (instance, step, run_uid) IN (SELECT (instance, step, arg_max(run_uid, time)) FROM mart.runs GROUP BY instance, step)
GROUP BY step ORDER BY time
"""
_TABLES = """
SELECT "table", state, reason, rows, hidden_rows, missing_columns FROM mart.table_states
QUALIFY event_date = max(event_date) OVER (PARTITION BY instance) ORDER BY state = 'ok', "table"
"""
_QUALITY = """
SELECT "table", event_date, "column", "check", expectation, severity, success, evaluated_where, observed, expected, rows, failed_rows
FROM mart.quality QUALIFY event_date = max(event_date) OVER (PARTITION BY instance, "table")
ORDER BY success, severity, "table", "column", expectation
"""
_POSTURE_SCORE = "SELECT * FROM mart.posture_score QUALIFY event_date = max(event_date) OVER (PARTITION BY instance) ORDER BY instance"
_POSTURE = """
SELECT * FROM mart.posture WHERE state IN ('not_compliant', 'unknown') OR is_named_by_microsoft
QUALIFY event_date = max(event_date) OVER (PARTITION BY instance)
ORDER BY NOT is_named_by_microsoft, state <> 'not_compliant', weight DESC, control_id
"""
_POSTURE_TURNED = """
SELECT * FROM mart.posture_changes WHERE event_date > (SELECT max(event_date) - 30 FROM mart.posture_score)
ORDER BY event_date DESC, NOT is_drift, control_id LIMIT 50
"""
_RULERS = """
SELECT instance, role, count(DISTINCT user_uid) AS holders,
       count(DISTINCT user_uid) FILTER (WHERE how = 'direct') AS direct, count(DISTINCT user_uid) FILTER (WHERE how = 'group') AS by_group,
       count(DISTINCT user_uid) FILTER (WHERE how = 'contained') AS contained, count(DISTINCT user_uid) FILTER (WHERE is_service) AS services,
       count(DISTINCT user_uid) FILTER (WHERE is_dormant) AS dormant, count(DISTINCT user_uid) FILTER (WHERE is_leaver) AS leavers,
       count(DISTINCT user_uid) FILTER (WHERE NOT has_second_factor) AS without_factor,
       count(DISTINCT user_uid) FILTER (WHERE open_alert_count > 0) AS alerted
FROM mart.access WHERE role <> '' AND is_active GROUP BY ALL ORDER BY instance, holders DESC, role
"""
_PER_DAY = """
SELECT event_date AS day, count(*) AS n FROM mart.{view} WHERE event_date > (SELECT max(event_date) - 30 FROM mart.activities) {more}
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Contents:
    """Everything on the page; every text in it is hostile until the template escapes it."""

    instances: Sequence[str]
    last_day: date | None
    written_at: datetime | None
    alerts: Sequence[Row]
    alert_count: int
    evidence: dict[str, list[Row]]
    strange: dict[str, list[Row]]  # alert -> the features that made the model's score, the strongest first
    behaviors: Sequence[Row]
    coverage: Sequence[Row]
    steps: Sequence[Row]
    tables: Sequence[Row]
    quality: Sequence[Row]
    alerts_by_day: Sequence[Row]
    activities_by_day: Sequence[Row]
    has_models: bool
    posture_scores: Sequence[Row]  # the latest of each instance
    posture: Sequence[Row]  # of that day: the four named ones, what is not compliant, what is unknown
    posture_turned: Sequence[Row]
    rulers: Sequence[Row]  # roles that rule an instance, with how many active accounts hold each

    @property
    def unseeing(self) -> list[Row]:
        return [row for row in self.coverage if row["state"] != "active"]

    @property
    def failed_checks(self) -> list[Row]:
        return [row for row in self.quality if not row["success"]]


def read(warehouse: Path) -> Contents:
    """Open the published file read-only and gather the page's rows."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        alerts = rows(con, _ALERTS, [MOST_ALERTS])
        uids = [a["alert_uid"] for a in alerts]
        evidence = _by_alert(rows(con, _EVIDENCE, [uids, MOST_EVIDENCE]))
        strange = _by_alert(rows(con, _STRANGE, [uids, MOST_FEATURES]))
        last = rows(con, "SELECT max(event_date) AS day FROM mart.coverage")[0]["day"]
        written = rows(con, "SELECT max(time) AS time FROM mart.runs")[0]["time"]
        return Contents(
            [r["instance"] for r in rows(con, "SELECT DISTINCT instance FROM mart.coverage ORDER BY 1")], last, written, alerts,
            rows(con, "SELECT count(*) AS n FROM mart.alerts")[0]["n"], evidence, strange, rows(con, _BEHAVIORS), rows(con, _COVERAGE),
            rows(con, _STEPS), rows(con, _TABLES), rows(con, _QUALITY), rows(con, _PER_DAY.format(view="alerts", more="")),
            rows(con, _PER_DAY.format(view="activities", more="AND NOT is_own")),
            bool(rows(con, "SELECT 1 FROM mart.models UNION ALL SELECT 1 FROM mart.model_scores LIMIT 1")),
            rows(con, _POSTURE_SCORE), rows(con, _POSTURE), rows(con, _POSTURE_TURNED),
            rows(con, _RULERS),
        )  # fmt: skip


def _by_alert(found: Sequence[Row]) -> dict[str, list[Row]]:
    by_alert: dict[str, list[Row]] = {}
    for row in found:
        by_alert.setdefault(row["alert_uid"], []).append(row)
    return by_alert


def rows(con: duckdb.DuckDBPyConnection, sql: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
    """Rows as dicts; `params` fill `?` or `$name`."""
    cursor = con.execute(sql, dict(params) if isinstance(params, Mapping) else list(params))
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
