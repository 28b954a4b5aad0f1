"""One step of a night as a task: what the DAGs share. Holds no DAG."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

FINAL = (2, 3, 5)  # usage, authentication, data quality


def day_that_ended(context: Any) -> date:
    """The interval's day; for a run that has none (asset, API), yesterday."""
    start = context.get("data_interval_start")
    if start is not None:
        # the interval runs 01:00 to 01:00: it begins on the day it is about
        return start.date()  # type: ignore[no-any-return]  # pendulum's date
    from pipelines.window import utc_now

    return utc_now().date() - timedelta(days=1)


def planned(context: Any, default: date) -> list[dict[str, str]]:
    """A unit of work per instance for the parameter `day`, else for `default`: names only, never a secret."""
    day = context["params"]["day"] or default
    return [{"connection": name, "day": str(day)} for name in context["params"]["connections"]]


def step_of(name: str, night: dict[str, str]) -> dict[str, str]:
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
