"""`mart.user_risk`: how much attention an account deserves on a day; derived from alerts until models add their score."""

from pipelines.contracts.mart._view import EVENT_DATE, INSTANCE, View
from pipelines.contracts.table import Dtype, Field, Pii

VIEW = View(
    name="user_risk",
    title="Risk of accounts by day",
    grain="one account on one day, for seven days from an alert",
    columns=(
        INSTANCE,
        EVENT_DATE,
        Field("actor_user_uid", Dtype.STRING, "sys_user.sys_id; victims of a campaign included", pii=Pii.PSEUDONYM),
        Field("risk_score", Dtype.FLOAT64, "Chance that at least one alert of this day alone is true", unit="0-100"),
        Field("priority_7d", Dtype.FLOAT64, "Priorities of the last seven days, summed and capped", unit="0-100"),
        Field(
            "percentile",
            Dtype.FLOAT64,
            "Share of the instance's accounts with a lower priority_7d that day",
            unit="0-100",
        ),
        Field("alert_count", Dtype.INT64, "Alerts of this day"),
        Field("model_score", Dtype.FLOAT64, "Score of the anomaly model; null until one is trained", unit="0-100"),
    ),
    sql="""
    WITH hit AS (
        SELECT DISTINCT instance, event_date, alert_uid, risk_score, priority, unnest(list_distinct(
                   list_concat(coalesce(actor_user_uids, []), CASE WHEN actor_user_uid IS NULL THEN [] ELSE [actor_user_uid] END)
               )) AS actor_user_uid
        FROM wh.alert WHERE NOT is_summary AND coalesce(classification, '') <> 'false_positive'
    ), by_day AS (
        SELECT instance, event_date, actor_user_uid, count(*) AS alert_count, sum(priority) AS priority,
               100 * (1 - product(1 - least(coalesce(risk_score, 0), 99.9) / 100)) AS risk_score
        FROM hit GROUP BY ALL
    ), last_day AS (SELECT instance, max(event_date) AS last_day FROM wh.user_day GROUP BY instance
    ), spread AS (
        SELECT b.instance, CAST(b.event_date + k.k AS DATE) AS event_date, b.actor_user_uid,
               sum(b.priority) AS priority_7d, sum(b.alert_count) FILTER (WHERE k.k = 0) AS alert_count,
               max(b.risk_score) FILTER (WHERE k.k = 0) AS risk_score
        FROM by_day b JOIN last_day USING (instance), (SELECT CAST(unnest(range(7)) AS INTEGER) AS k) AS k
        WHERE b.event_date + k.k <= last_day GROUP BY ALL
    ), accounts AS (
        SELECT instance, count(DISTINCT user_uid) AS accounts FROM wh.user_day GROUP BY instance
    )
    SELECT s.instance, s.event_date, s.actor_user_uid, coalesce(s.risk_score, 0) AS risk_score,
           least(100, s.priority_7d) AS priority_7d,
           100 * (1 - (rank() OVER (PARTITION BY s.instance, s.event_date ORDER BY s.priority_7d DESC))
                      / greatest(a.accounts, 1)) AS percentile,
           coalesce(s.alert_count, 0) AS alert_count, NULL AS model_score
    FROM spread s JOIN accounts a USING (instance)
    """,
    reads=("core__user",),
)
