"""The DAG runs a night: real tasks of a real Airflow, against the emulator over HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.emulator.organisation import Population, generate
from pipelines.emulator.server import start
from tests.dags.conftest import airflow, environment
from tests.steps.conftest import END, few_policies, first_night, morning_after, share_compiled

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def test_a_night_and_a_snapshot_of_posture_run_through_airflow(airflow_home: Path, tmp_path: Path) -> None:
    world = generate(seed=5, users=30, days=3, before=7, end=END, population=Population(export_log=False))
    day = first_night()
    share_compiled(tmp_path)
    with start(world, now=morning_after(day)) as running:
        info = running.info()
        named = {"DATA_DIR": tmp_path, "INSTANCE_URL": info["url"], "INSTANCE_NAME": "test", "USERNAME": info["username"], "PASSWORD": info["password"],
                 "CLIENT_ID": info["client_id"], "CLIENT_SECRET": info["client_secret"], "GEO_DB": info["geo_db"], "ASN_DB": info["asn_db"],
                 "IP_LISTS": info["ip_lists"], "BACK_FILL_DAYS": 1, "POLICIES_DIR": few_policies(tmp_path / "few")}  # fmt: skip
        entra = {"conn_type": "entra", "host": info["entra_authority"], "login": info["entra_client_id"], "password": info["entra_client_secret"],
                 "extra": {"tenant_id": info["entra_tenant_id"], "graph_url": info["graph_url"]}}  # fmt: skip
        secrets = [info["password"], info["client_secret"], info["entra_client_secret"]]
        own = environment(
            airflow_home,
            AIRFLOW_CONN_ENTRA_DEFAULT=json.dumps(entra),
            **{f"NOWGUARD_{k}": str(v) for k, v in named.items()},
        )
        for dag in ("servicenow_posture", "servicenow_nightly"):  # in the order of their schedules
            _succeeds(dag, day, own, secrets)
    with duckdb.connect(str(tmp_path / "warehouse" / "nowguard.duckdb"), read_only=True) as con:
        steps = {row[0] for row in con.execute("SELECT DISTINCT step FROM mart.runs WHERE state = 'ok'").fetchall()}
        states = con.execute("SELECT count(*) FROM mart.coverage WHERE event_date = ?", [day]).fetchall()[0][0]
        recommendations, score = con.execute(
            "SELECT (SELECT count(*) FROM mart.posture WHERE event_date = $1), (SELECT max(score) FROM mart.posture_score WHERE event_date = $1)",
            [day],
        ).fetchall()[0]
        directory = dict(
            con.execute('SELECT "table", state FROM mart.table_states WHERE "table" LIKE \'entra%\'').fetchall()
        )
    assert directory == {"entra_user": "ok", "entra_deleted_user": "ok"}
    assert {
        "extract",
        "validate",
        "conform",
        "features",
        "posture",
        "detect",
    } <= steps  # publish is said in the next file
    assert states >= 3
    assert recommendations >= 205
    assert 0 < score < 100


def _succeeds(dag: str, day: date, own: Mapping[str, str], secrets: Sequence[str]) -> None:
    done = subprocess.run(
        [airflow(), "dags", "test", dag, "2026-03-18", "-c", json.dumps({"day": str(day)})],
        env=dict(own), capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert not [secret for secret in secrets if secret in said]
