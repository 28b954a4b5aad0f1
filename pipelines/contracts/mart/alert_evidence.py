"""`mart.alert_evidence`: the rows that an alert rests on.

Evidence is stored by detection, a night's rows beside those of the nights before; which alert they belong to is looked up.
A row that several detections of one alert name is evidence once.
"""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.alert_evidence import TABLE

_NAMED = "wh.detection_evidence e JOIN wh.alert_detection d USING (instance, detection_uid)"

VIEW = View(
    name="alert_evidence",
    title="Evidence of alerts and behaviors",
    grain="one evidence row of an alert or behavior",
    columns=of_table(TABLE),
    sql=f"""
SELECT instance, time::DATE AS event_date, alert_uid, source_table, source_uid, time, activity_name, summary, activity_uid
FROM {_NAMED} WHERE is_only
UNION ALL
SELECT any_value(instance), min(time)::DATE, alert_uid, source_table, source_uid, min(time),
       arg_min(activity_name, (time, activity_uid)), arg_min(summary, (time, activity_uid)), min(activity_uid)
FROM {_NAMED} WHERE NOT is_only GROUP BY alert_uid, source_table, source_uid
UNION ALL
SELECT instance, event_date, alert_uid, source_table, source_uid, time, activity_name, summary, activity_uid
FROM wh.summary_evidence""",
)
