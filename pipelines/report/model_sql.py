"""Questions about models over `mart.*`: what the model report and the notebooks both ask. `$model` is a model's id."""

from __future__ import annotations

#: Scored user-days with the alerts about the person on that day, and what analysts made of them: `verdict` is true where one was
#: confirmed, harmless where all were closed otherwise, null while any is open or where there is none.
JUDGED = """
WITH told AS (
    SELECT instance, unnest(list_distinct(list_concat(coalesce(actor_user_uids, []),
               CASE WHEN actor_user_uid IS NULL THEN [] ELSE [actor_user_uid] END))) AS actor_user_uid,
           CAST(first_seen AS DATE) AS first_day, CAST(last_seen AS DATE) AS last_day, classification
    FROM mart.alerts WHERE NOT is_summary
), marked AS (
    SELECT s.instance, s.event_date, s.model_id, s.actor_user_uid, count(*) AS alert_count,
           CASE WHEN bool_or(t.classification = 'true_positive') THEN 'true'
                WHEN bool_and(t.classification IS NOT NULL) THEN 'harmless' END AS verdict
    FROM mart.model_scores s JOIN told t ON t.instance = s.instance AND t.actor_user_uid = s.actor_user_uid
         AND s.event_date BETWEEN t.first_day AND t.last_day
    GROUP BY ALL
)
SELECT s.*, coalesce(m.alert_count, 0) AS alert_count, m.verdict
FROM mart.model_scores s LEFT JOIN marked m USING (instance, event_date, model_id, actor_user_uid)
WHERE s.model_id = $model
"""

#: One row a twentieth of the scale; days without a score are left out.
DISTRIBUTION = f"""
SELECT CAST(least(95, 5 * floor(risk_score / 5)) AS INTEGER) AS risk_from, count(*) AS user_days,
       count(*) FILTER (WHERE alert_count > 0) AS alerted
FROM ({JUDGED}) WHERE risk_score IS NOT NULL GROUP BY 1 ORDER BY 1
"""

#: One row a feature, over the explained days: mean size of its effect, mean shortening of the path, how often it came first.
EFFECTS = """
WITH ranked AS (
    SELECT *, contribution < 0 AND row_number() OVER (
               PARTITION BY instance, event_date, actor_user_uid ORDER BY contribution, feature) = 1 AS is_first
    FROM mart.model_attributions WHERE model_id = $model
)
SELECT feature, avg(abs(contribution)) AS mean_effect, avg(-contribution) AS mean_shortening,
       count(*) FILTER (WHERE is_first) / count(*) AS first_reason_share, median(value) AS median_value,
       quantile_cont(value, 0.9) AS high_value, median(baseline) AS usual_value, count(*) AS user_days
FROM ranked GROUP BY feature ORDER BY mean_effect DESC, feature
"""

#: One row a day: a model that still fits puts a half of the days below 50, and 5 of 100 above 95, of the percentile.
STABILITY = """
SELECT event_date, count(*) AS user_days, count(*) FILTER (WHERE is_in_budget) AS in_budget,
       1000 * count(*) FILTER (WHERE is_in_budget) / count(*) AS in_budget_per_1000, median(percentile) AS median_percentile,
       100 * count(*) FILTER (WHERE percentile >= 95) / count(*) AS above_95_percent,
       string_agg(DISTINCT model_revision, ', ' ORDER BY model_revision) AS model_revision
FROM mart.model_scores WHERE model_id = $model GROUP BY event_date ORDER BY event_date
"""

#: One row a feature and day of one peer group.
DRIFT = """
SELECT event_date, feature, psi, level, user_days, unknown_share, model_revision
FROM mart.model_drift WHERE model_id = $model AND peer_group = $peer_group ORDER BY event_date, psi DESC, feature
"""

#: One row a budget (user-days of 1,000 each day, at least one): how many were looked at, and how many of these were confirmed.
PRECISION = f"""
WITH ranked AS (
    SELECT verdict, row_number() OVER (PARTITION BY instance, event_date ORDER BY risk_score DESC, depth, actor_user_uid) AS place,
           count(*) OVER (PARTITION BY instance, event_date) AS people
    FROM ({JUDGED}) WHERE risk_score IS NOT NULL
)
SELECT b.per_1000, count(*) AS user_days, count(verdict) AS judged, count(*) FILTER (WHERE verdict = 'true') AS confirmed
FROM ranked, (SELECT unnest([1, 2, 5, 10, 20, 50]) AS per_1000) AS b
WHERE place <= greatest(1, ceil(people * b.per_1000 / 1000.0)) GROUP BY ALL ORDER BY b.per_1000
"""
