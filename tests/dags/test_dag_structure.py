"""The DAG as Airflow sees it: loads, orders, parses without I/O; connection types have forms."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.airflow_provider import ENTRA, SERVICENOW, entra_settings, provider_info, servicenow_settings
from pipelines.settings import Settings
from tests.dags.conftest import REPOSITORY, airflow, environment

pytestmark = pytest.mark.airflow

DESCRIBE = """
import json, logging, sys
sys.path.append({folder!r})  # as Airflow does for the folder of a bundle
logging.disable(logging.CRITICAL)
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder={folder!r})
dag = bag.dags["servicenow_nightly"]
out = {{
    "errors": {{k: str(v) for k, v in bag.import_errors.items()}},
    "tasks": {{t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks}},
    "retries": {{t.task_id: t.retries for t in dag.tasks}},
    "mapped": sorted(t.task_id for t in dag.tasks if t.is_mapped),
    "catchup": dag.catchup,
    "timetable": type(dag.timetable).__name__,
    "outlets": sorted(a.uri for t in dag.tasks for a in t.outlets),
    "parameters": sorted(dag.params),
    "dags": sorted(bag.dags),
}}
weekly = bag.dags["train_models"]
out["training"] = {{
    "tasks": {{t.task_id: sorted(t.downstream_task_ids) for t in weekly.tasks}},
    "mapped": sorted(t.task_id for t in weekly.tasks if t.is_mapped),
    "catchup": weekly.catchup,
    "retries": {{t.task_id: t.retries for t in weekly.tasks}},
    "outlets": sorted(a.uri for t in weekly.tasks for a in t.outlets),
    "parameters": sorted(weekly.params),
}}
daily = bag.dags["servicenow_posture"]
out["posture"] = {{
    "tasks": {{t.task_id: sorted(t.downstream_task_ids) for t in daily.tasks}},
    "mapped": sorted(t.task_id for t in daily.tasks if t.is_mapped),
    "catchup": daily.catchup,
    "timetable": type(daily.timetable).__name__,
    "retries": {{t.task_id: t.retries for t in daily.tasks}},
    "outlets": sorted(a.uri for t in daily.tasks for a in t.outlets),
    "parameters": sorted(daily.params),
}}
print("DESCRIPTION " + json.dumps(out))
"""


@pytest.fixture(scope="module")
def described(airflow_home: Path) -> dict[str, object]:
    script = DESCRIBE.format(folder=str(REPOSITORY / "dags"))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(airflow_home),
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    line = next(part for part in done.stdout.splitlines() if part.startswith("DESCRIPTION "))
    found: dict[str, object] = json.loads(line.removeprefix("DESCRIPTION "))
    return found


def test_the_dag_loads_without_errors(described: dict[str, object]) -> None:
    assert described["errors"] == {}


def test_the_steps_run_in_order_with_at_most_ten_tasks(described: dict[str, object]) -> None:
    tasks = described["tasks"]
    assert isinstance(tasks, dict)
    order = ["plan", "extract", "validate", "conform", "features", "score", "detect", "publish"]
    assert list(tasks) == order
    assert all(tasks[a] == [b] for a, b in itertools.pairwise(order))
    assert len(tasks) <= 10


def test_every_step_is_mapped_over_the_instances_and_retried(described: dict[str, object]) -> None:
    assert described["mapped"] == sorted(["extract", "validate", "conform", "features", "score", "detect", "publish"])
    retries = described["retries"]
    assert isinstance(retries, dict)
    assert all(retries[task] >= 1 for task in retries if task != "plan")


def test_the_schedule_is_an_interval_and_the_ledger_decides_what_is_missing(described: dict[str, object]) -> None:
    assert described["timetable"] == "CronDataIntervalTimetable"
    assert described["catchup"] is False
    assert {"day", "connections"} <= set(described["parameters"])  # type: ignore[call-overload]


def test_models_are_trained_by_a_dag_of_few_tasks_that_waits_for_a_night(described: dict[str, object]) -> None:
    training = described["training"]
    assert isinstance(training, dict)
    assert training["tasks"] == {"plan": ["train"], "train": []}
    assert training["mapped"] == ["train"]
    assert training["retries"]["train"] >= 1  # a night holds the lease: the training tries again
    assert training["catchup"] is False
    assert {"day", "connections"} <= set(training["parameters"])
    assert training["outlets"] == ["nowguard://models/champions"]
    assert described["dags"] == ["servicenow_nightly", "servicenow_posture", "train_models"]


def test_published_tables_are_assets(described: dict[str, object]) -> None:
    outlets = described["outlets"]
    assert isinstance(outlets, list)
    assert "nowguard://warehouse/mart/alerts" in outlets


def test_posture_has_a_daily_dag_that_reads_and_publishes(described: dict[str, object]) -> None:
    posture = described["posture"]
    assert isinstance(posture, dict)
    assert posture["tasks"] == {"plan": ["posture"], "posture": ["publish"], "publish": []}
    assert posture["mapped"] == ["posture", "publish"]
    assert posture["timetable"] == "CronDataIntervalTimetable"
    assert posture["catchup"] is False
    assert posture["retries"]["posture"] >= 1
    assert posture["outlets"] == ["nowguard://warehouse/mart/posture"]
    assert {"day", "connections"} <= set(posture["parameters"])


def test_airflow_lists_both_connection_types_with_forms(airflow_home: Path) -> None:
    done = subprocess.run(
        [airflow(), "providers", "hooks", "--output", "json"],
        env=environment(airflow_home), capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    kinds = {row["connection_type"] for row in json.loads(done.stdout[done.stdout.index("[") :])}
    assert {"servicenow", "entra"} <= kinds


def test_every_secret_field_has_a_name_that_airflow_masks() -> None:
    for kind in (SERVICENOW, ENTRA):
        for name, spec in kind["conn-fields"].items():
            if spec["schema"].get("format") == "password":
                assert re.search("secret|token|password", name), name


def test_a_connection_becomes_settings_of_the_same_names() -> None:
    connection = SimpleNamespace(
        host="https://acme.service-now.com", login="collector", password="pw",
        extra_dejson={"auth": "basic", "client_id": "", "workers": 2, "unknown": "x"},
    )  # fmt: skip
    found = servicenow_settings(connection)
    assert found == {
        "instance_url": "https://acme.service-now.com", "username": "collector", "password": "pw", "auth": "basic", "workers": 2,
    }  # fmt: skip
    assert set(found) <= set(Settings.model_fields)
    assert set(entra_settings(connection)) <= set(Settings.model_fields)


def test_the_provider_names_what_the_entry_point_promises() -> None:
    info = provider_info()
    assert [kind["connection-type"] for kind in info["connection-types"]] == ["servicenow", "entra"]


def test_only_dags_import_airflow() -> None:
    offenders = [
        str(path.relative_to(REPOSITORY))
        for folder in ("pipelines", "models")
        for path in (REPOSITORY / folder).rglob("*.py")
        if re.search(r"^\s*(from|import) airflow\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert offenders == []


def test_the_configuration_holds_no_absolute_path_and_no_secret() -> None:
    text = (REPOSITORY / "airflow.cfg").read_text(encoding="utf-8")
    values = [line.split("=", 1)[1].strip() for line in text.splitlines() if "=" in line and not line.startswith("#")]
    assert not [v for v in values if v.startswith("/")]
    assert "host = 127.0.0.1" in text
    assert "load_examples = False" in text
    assert all(
        "_cmd" in line for line in text.splitlines() if "fernet_key" in line or ("secret" in line and "=" in line)
    )
