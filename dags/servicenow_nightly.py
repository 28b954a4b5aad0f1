"""### The nightly run

Reads one night of ServiceNow activity and publishes the warehouse. Each task is one step of `nowguard run`, with the
same functions; tasks are mapped over the instances named by `connections`.

| step | does |
| --- | --- |
| extract | reads new and late rows over HTTP and lands them |
| validate | judges every landed partition with Great Expectations |
| conform | derives activities and enriches them |
| features | carries per-user state one day on |
| detect | runs the policies, scores what they saw, says what they could not see |
| publish | replaces the warehouse file and the report |

The day is the interval that ended (UTC), or the parameter `day`. A run closes every gap the ledger knows of, so missed
nights need no catch-up. The shortest useful schedule is hourly with `day` = today: see the README.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, get_current_context, task

NIGHTLY = CronDataIntervalTimetable("0 1 * * *", timezone="UTC")  # an hour after midnight: late rows have settled
WAREHOUSE = Asset(name="nowguard_warehouse", uri="nowguard://warehouse/mart")
FINAL = (2, 3, 5)  # usage, authentication, data quality
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
        day = context["params"]["day"] or _day_that_ended(context)
        return [{"connection": name, "day": str(day)} for name in context["params"]["connections"]]

    @task(max_active_tis_per_dagrun=2)
    def extract(night: dict[str, str]) -> dict[str, str]:
        return _step("extract", night)

    @task
    def validate(night: dict[str, str]) -> dict[str, str]:
        return _step("validate", night)

    @task
    def conform(night: dict[str, str]) -> dict[str, str]:
        return _step("conform", night)

    @task
    def features(night: dict[str, str]) -> dict[str, str]:
        return _step("features", night)

    @task
    def detect(night: dict[str, str]) -> dict[str, str]:
        return _step("detect", night)

    @task(outlets=[WAREHOUSE, ALERTS, ACTIVITIES])
    def publish(night: dict[str, str]) -> dict[str, str]:
        return _step("publish", night)

    nights = plan()
    for step in (extract, validate, conform, features, detect, publish):
        nights = step.expand(night=nights)


def _day_that_ended(context: Any) -> date:
    """The interval's day; for a run that has none (asset, API), yesterday."""
    start = context.get("data_interval_start")
    if start is not None:
        # the interval runs 01:00 to 01:00: it begins on the day it is about
        return start.date()  # type: ignore[no-any-return]  # pendulum's date
    from pipelines.window import utc_now

    return utc_now().date() - timedelta(days=1)


def _step(name: str, night: dict[str, str]) -> dict[str, str]:
    """Run one step for one instance and day; the settings come from the Connection, the environment wins."""
    import logging

    from airflow.sdk.exceptions import AirflowFailException

    from pipelines.errors import NowguardError
    from pipelines.steps import run_step

    try:
        given = {**_connection_settings("entra_default"), **_connection_settings(night["connection"])}
        report = run_step(name, day=date.fromisoformat(night["day"]), connection=given)
    except NowguardError as error:
        if error.exit_code in FINAL:
            raise AirflowFailException(str(error)) from None  # asking again changes nothing, or locks an account
        raise
    for line in report.lines():
        logging.getLogger("airflow.task").info(line)
    return night


def _connection_settings(name: str) -> dict[str, Any]:
    """Settings of an Airflow Connection by its type; none where it is not defined and the environment says everything."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    from pipelines.airflow_provider import entra_settings, servicenow_settings

    try:
        connection = BaseHook.get_connection(name)
        return entra_settings(connection) if connection.conn_type == "entra" else servicenow_settings(connection)
    except (AirflowNotFoundException, AirflowRuntimeError):
        return {}


servicenow_nightly()
