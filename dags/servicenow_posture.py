"""### The nightly posture

Reads how the instance is set up (settings, access rules, published content, integrations), holds it against every recommendation
and publishes `mart.posture`, `mart.posture_changes` and `mart.posture_score`. The same functions as
`nowguard run --step posture` and `--step publish`.

It runs before the nightly DAG, whose policies then know what the instance does not log. The day is the interval that ended (UTC), or
the parameter `day`: a snapshot shows the instance as it is now, so a day long past gets today's state. It takes the instance's lease:
while another run writes it is busy and tries again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, get_current_context, task
from one_step import day_that_ended, planned, step_of  # the dags folder is on the path

DAILY = CronDataIntervalTimetable("40 0 * * *", timezone="UTC")  # twenty minutes before the nightly run
POSTURE = Asset(name="nowguard_posture", uri="nowguard://warehouse/mart/posture")


@dag(
    dag_id="servicenow_posture",
    schedule=DAILY,
    start_date=datetime(2026, 1, 1),
    catchup=False,  # an instance cannot be asked how it was
    max_active_runs=1,
    doc_md=__doc__,
    tags=["nowguard"],
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
    params={
        "day": Param(None, type=["null", "string"], format="date", description="UTC day; default: the day that ended"),
        "connections": Param(["servicenow_default"], type="array", description="Airflow Connections, one per instance"),
    },
)
def servicenow_posture() -> None:
    @task(retries=0)
    def plan() -> list[dict[str, str]]:
        """One snapshot per instance: names only, never a secret."""
        context = get_current_context()
        return planned(context, day_that_ended(context))

    @task(max_active_tis_per_dagrun=2)
    def posture(snapshot: dict[str, str]) -> dict[str, str]:
        return step_of("posture", snapshot)

    @task(outlets=[POSTURE])
    def publish(snapshot: dict[str, str]) -> dict[str, str]:
        return step_of("publish", snapshot)

    publish.expand(snapshot=posture.expand(snapshot=plan()))


servicenow_posture()
