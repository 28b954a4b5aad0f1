"""`mart.user_risk`: how much attention an account deserves on a day, from its alerts and from the anomaly models.

    points_7d   = severity_7d + user_impact_7d + popularity_7d + asset_7d (alerts) + model_7d (models), over seven days
    priority_7d = 100 x (1 - exp(-points_7d / 100)): never at its limit, so that the busiest accounts stay in order
    risk_score  = chance that at least one alert of the day is true, or that the model is right where it raises its hand

The points of an alert count from its last day on; its risk counts on each day from its first evidence to its last. A false positive adds nothing once it is closed as one. What a model says of a day counts from the 95th percentile on.
"""

from pipelines.contracts.mart._view import EVENT_DATE, INSTANCE, View
from pipelines.contracts.table import Dtype, Field, Pii

F = Dtype.FLOAT64
POINTS = "points"

#: Points of one user-day at the top of the model's scale; a user-day below `NOTICED` (percentile) adds none.
MODEL_POINTS, NOTICED = 20.0, 95.0
#: Chance that a user-day which the model puts at 100 is one to act on; the odds fall with the score.
MODEL_CHANCE = 0.5

_PART = "coalesce(TRY_CAST(regexp_extract(priority_parts, '\"{name}\":([0-9.]+)', 1) AS DOUBLE), 0) AS {name}"
_PARTS = ", ".join(_PART.format(name=name) for name in ("severity", "user_impact", "popularity", "asset"))

VIEW = View(
    name="user_risk",
    title="Risk of accounts by day",
    grain="one account on one day: every user-day that a model scored, and seven days from each alert",
    columns=(
        INSTANCE,
        EVENT_DATE,
        Field("actor_user_uid", Dtype.STRING, "sys_user.sys_id; victims of a campaign included", pii=Pii.PSEUDONYM),
        Field(
            "risk_score",
            F,
            "Chance that the day deserves action, by the alerts that last over it and its model score",
            unit="0-100",
        ),
        Field("priority_7d", F, "Investigation priority over the last seven days, from points_7d", unit="0-100"),
        Field("percentile", F, "Share of the instance's accounts with a lower priority_7d that day", unit="0-100"),
        Field("alert_count", Dtype.INT64, "Alerts that were last seen on this day"),
        Field(
            "model_score", F, "Highest score of the anomaly models for the day; null where none scored it", unit="0-100"
        ),
        Field("model_percentile", F, "The percentile of that score among the training days", unit="0-100"),
        Field("alert_count_7d", Dtype.INT64, "Alerts of the last seven days"),
        Field("severity_7d", F, "Points of the severity of these alerts", unit=POINTS),
        Field("user_impact_7d", F, "Points of what the account can do, per alert", unit=POINTS),
        Field("popularity_7d", F, "Points of how rare the traits in these alerts are", unit=POINTS),
        Field("asset_7d", F, "Points of how sensitive the touched tables are", unit=POINTS),
        Field("model_7d", F, "Points of unusual user-days, weighted by what the account can do", unit=POINTS),
        Field("points_7d", F, "The sum of the five", unit=POINTS),
        Field(
            "user_impact",
            F,
            "What the account can do: roles (up to 25), and its exposure by roles and groups held",
            unit="0-30",
        ),
    ),
    sql=f"""
    WITH hit AS (
        SELECT DISTINCT instance, event_date, CAST(first_seen AS DATE) AS first_day, alert_uid, risk_score, {_PARTS}, unnest(list_distinct(
                   list_concat(coalesce(actor_user_uids, []), CASE WHEN actor_user_uid IS NULL THEN [] ELSE [actor_user_uid] END)
               )) AS actor_user_uid
        FROM wh.alert WHERE NOT is_summary AND coalesce(classification, '') <> 'false_positive'
    ), managers AS (SELECT DISTINCT instance, manager_uid FROM wh.user_day WHERE manager_uid <> ''
    ), impact AS (
        SELECT u.instance, u.user_uid AS actor_user_uid,
               CASE WHEN u.is_privileged THEN 25 WHEN m.manager_uid IS NOT NULL THEN 18 WHEN u.is_integration THEN 15
                    WHEN u.is_external THEN 10 ELSE 8 END
               + least(5, (coalesce(len(u.role_names), 0) + coalesce(len(u.group_uids), 0)) / 4) AS user_impact
        FROM wh.user_day u LEFT JOIN managers m ON m.instance = u.instance AND m.manager_uid = u.user_uid
    ), by_alert AS (
        SELECT instance, event_date, actor_user_uid, count(*) AS alert_count, sum(severity) AS severity,
               sum(user_impact) AS user_impact, sum(popularity) AS popularity, sum(asset) AS asset
        FROM hit GROUP BY ALL
    ), by_lasting AS (
        SELECT instance, CAST(unnest(range(first_seen, CAST(event_date + 1 AS TIMESTAMP), INTERVAL 1 DAY)) AS DATE) AS event_date,
               actor_user_uid, alert_uid, risk_score
        FROM (SELECT *, CAST(first_day AS TIMESTAMP) AS first_seen FROM hit)
    ), by_day AS (
        SELECT instance, event_date, actor_user_uid, product(1 - least(coalesce(risk_score, 0), 99.9) / 100) AS all_false
        FROM by_lasting GROUP BY ALL
    ), by_model AS (
        SELECT s.instance, s.event_date, s.user_uid AS actor_user_uid, max(s.risk_score) AS model_score,
               max(s.percentile) AS model_percentile,
               max({MODEL_POINTS} * greatest(0, s.percentile - {NOTICED}) / (100 - {NOTICED}))
                   * max(0.5 + coalesce(i.user_impact, 8) / 30) AS points
        FROM wh.model_score s LEFT JOIN impact i ON i.instance = s.instance AND i.actor_user_uid = s.user_uid GROUP BY ALL
    ), all_kinds AS (
        SELECT * FROM by_alert FULL JOIN by_day USING (instance, event_date, actor_user_uid)
        FULL JOIN by_model USING (instance, event_date, actor_user_uid)
    ), last_day AS (
        SELECT instance, max(event_date) AS last_day FROM wh.user_day GROUP BY instance
    ), spread AS (
        SELECT b.instance, CAST(b.event_date + k.k AS DATE) AS event_date, b.actor_user_uid, k.k AS age,
               b.* EXCLUDE (instance, event_date, actor_user_uid)
        FROM all_kinds b JOIN last_day USING (instance), (SELECT CAST(unnest(range(7)) AS INTEGER) AS k) AS k
        WHERE b.event_date + k.k <= last_day AND (k.k = 0 OR b.alert_count > 0 OR b.points > 0)
    ), summed AS (
        SELECT instance, event_date, actor_user_uid,
               100 * (1 - coalesce(max(all_false) FILTER (WHERE age = 0), 1)
                          * (1 - {MODEL_CHANCE} * power(coalesce(max(model_score) FILTER (WHERE age = 0), 0) / 100, 4))) AS risk_score,
               coalesce(sum(alert_count) FILTER (WHERE age = 0), 0) AS alert_count,
               max(model_score) FILTER (WHERE age = 0) AS model_score,
               max(model_percentile) FILTER (WHERE age = 0) AS model_percentile,
               coalesce(sum(alert_count), 0) AS alert_count_7d, coalesce(sum(severity), 0) AS severity_7d,
               coalesce(sum(user_impact), 0) AS user_impact_7d, coalesce(sum(popularity), 0) AS popularity_7d,
               coalesce(sum(asset), 0) AS asset_7d, coalesce(sum(points), 0) AS model_7d
        FROM spread GROUP BY ALL
    ), pointed AS (
        SELECT *, severity_7d + user_impact_7d + popularity_7d + asset_7d + model_7d AS points_7d FROM summed
    ), accounts AS (
        SELECT instance, count(DISTINCT user_uid) AS accounts FROM wh.user_day GROUP BY instance
    )
    SELECT p.*, 100 * (1 - exp(-p.points_7d / 100)) AS priority_7d,
           100 * (1 - (rank() OVER (PARTITION BY p.instance, p.event_date ORDER BY p.points_7d DESC))
                      / greatest(a.accounts, 1)) AS percentile,
           coalesce(i.user_impact, 8) AS user_impact
    FROM pointed p JOIN accounts a USING (instance)
    LEFT JOIN impact i ON i.instance = p.instance AND i.actor_user_uid = p.actor_user_uid
    """,
    reads=("core__user", "out__model_score"),
)
