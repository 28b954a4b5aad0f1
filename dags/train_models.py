"""### Training of the anomaly models

Fits every declared model on the days that have landed, compares it with the champion on days that neither learned, and promotes
it where the rule has no objection; else it waits for `nowguard model promote`. Weekly, and on demand: trigger it with `day`,
the last day to learn from. The next night scores with the new champion; nights before keep theirs.

One task per instance, named by `connections`. It takes the instance's lease: while a night runs it is busy and tries again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, get_current_context, task
from one_step import day_that_ended, planned, step_of  # the dags folder is on the path

WEEKLY = CronDataIntervalTimetable("0 5 * * 1", timezone="UTC")  # Monday, when Sunday's night has been published
MODELS = Asset(name="nowguard_models", uri="nowguard://models/champions")


@dag(
    dag_id="train_models",
    schedule=WEEKLY,
    start_date=datetime(2026, 1, 1),
    catchup=False,  # the newest days are what is learned
    max_active_runs=1,
    doc_md=__doc__,
    tags=["nowguard"],
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10), "retry_exponential_backoff": True},
    params={
        "day": Param(
            None, type=["null", "string"], format="date", description="Last UTC day to learn; default: yesterday"
        ),
        "connections": Param(["servicenow_default"], type="array", description="Airflow Connections, one per instance"),
    },
)
def train_models() -> None:
    @task(retries=0)
    def plan() -> list[dict[str, str]]:
        """One training per instance: names only, never a secret."""
        context = get_current_context()
        end = context.get("data_interval_end")
        last = end.date() - timedelta(days=1) if end else day_that_ended({})
        return planned(context, last)

    @task(max_active_tis_per_dagrun=1, outlets=[MODELS])
    def train(training: dict[str, str]) -> dict[str, str]:
        return step_of("train", training)

    train.expand(training=plan())


train_models()
