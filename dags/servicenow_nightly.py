"""### The nightly run

Reads one night of ServiceNow activity and publishes the warehouse. Each task is one step of `nowguard run`, with the
same functions; tasks are mapped over the instances named by `connections`.

| step | does |
| --- | --- |
| extract | reads new and late rows over HTTP and lands them |
| validate | judges every landed partition with Great Expectations |
| conform | derives activities and enriches them |
| features | carries per-user state one day on |
| score | scores each person's day with the champions of the anomaly models |
| detect | runs the policies, scores what they saw, says what they could not see |
| publish | replaces the warehouse file and the report |

The day is the interval that ended (UTC), or the parameter `day`. A run closes every gap the ledger knows of, so missed
nights need no catch-up. The shortest useful schedule is hourly with `day` = today: see the README.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, get_current_context, task
from one_step import day_that_ended, planned, step_of  # the dags folder is on the path

NIGHTLY = CronDataIntervalTimetable("0 1 * * *", timezone="UTC")  # an hour after midnight: late rows have settled
WAREHOUSE = Asset(name="nowguard_warehouse", uri="nowguard://warehouse/mart")
ALERTS = Asset(name="nowguard_alerts", uri="nowguard://warehouse/mart/alerts")
ACTIVITIES = Asset(name="nowguard_activities", uri="nowguard://warehouse/mart/activities")


@dag(
    dag_id="servicenow_nightly",
    schedule=NIGHTLY,
    start_date=datetime(2026, 1, 1),
    catchup=False,  # the ledger decides what is missing, not the scheduler
    max_active_runs=1,
    doc_md=__doc__,
    tags=["nowguard"],
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
    params={
        "day": Param(None, type=["null", "string"], format="date", description="UTC day; default: the day that ended"),
        "connections": Param(["servicenow_default"], type="array", description="Airflow Connections, one per instance"),
    },
)
def servicenow_nightly() -> None:
    @task(retries=0)
    def plan() -> list[dict[str, str]]:
        """One night per instance: names only, never a secret."""
        context = get_current_context()
        return planned(context, day_that_ended(context))

    @task(max_active_tis_per_dagrun=2)
    def extract(night: dict[str, str]) -> dict[str, str]:
        return step_of("extract", night)

    @task
    def validate(night: dict[str, str]) -> dict[str, str]:
        return step_of("validate", night)

    @task
    def conform(night: dict[str, str]) -> dict[str, str]:
        return step_of("conform", night)

    @task
    def features(night: dict[str, str]) -> dict[str, str]:
        return step_of("features", night)

    @task
    def score(night: dict[str, str]) -> dict[str, str]:
        return step_of("score", night)

    @task
    def detect(night: dict[str, str]) -> dict[str, str]:
        return step_of("detect", night)

    @task(outlets=[WAREHOUSE, ALERTS, ACTIVITIES])
    def publish(night: dict[str, str]) -> dict[str, str]:
        return step_of("publish", night)

    nights = plan()
    for step in (extract, validate, conform, features, score, detect, publish):
        nights = step.expand(night=nights)


servicenow_nightly()
