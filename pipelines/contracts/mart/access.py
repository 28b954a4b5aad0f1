"""`mart.access`: who rules the instance and how, beside what was alerted of them."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.access import TABLE
from pipelines.contracts.table import Dtype, Field

VIEW = View(
    name="access",
    title="Access of accounts as last seen",
    grain="one account, role that rules the instance and way to it; accounts with a finding and no such role have one row",
    columns=(
        *of_table(TABLE),
        Field("alert_count", Dtype.INT64, "Alerts that concern the account, false positives left out"),
        Field("open_alert_count", Dtype.INT64, "Those of them that nobody has closed"),
        Field("last_alert_at", Dtype.TIMESTAMP, "Latest evidence of any of them; null without one", unit="UTC"),
        Field("highest_risk_score", Dtype.FLOAT64, "Highest risk of any of them; null without one", unit="0-100"),
    ),
    sql="""
    WITH concerned AS (
        SELECT DISTINCT instance, alert_uid, status, last_seen, risk_score, unnest(list_concat(
                   coalesce(actor_user_uids, []), CASE WHEN actor_user_uid IS NULL THEN [] ELSE [actor_user_uid] END
               )) AS user_uid
        FROM wh.alert WHERE NOT is_summary AND coalesce(classification, '') <> 'false_positive'
    ), alerted AS (
        SELECT instance, user_uid, count(DISTINCT alert_uid) AS alert_count,
               count(DISTINCT alert_uid) FILTER (WHERE status <> 'closed') AS open_alert_count, max(last_seen) AS last_alert_at,
               max(risk_score) AS highest_risk_score
        FROM concerned GROUP BY ALL
    )
    SELECT a.*, coalesce(n.alert_count, 0) AS alert_count, coalesce(n.open_alert_count, 0) AS open_alert_count, n.last_alert_at,
           n.highest_risk_score
    FROM wh.access a LEFT JOIN alerted n USING (instance, user_uid)
    """,
    reads=("out__access",),
)
