"""The demo's last night, by the real DAG through Airflow's own command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from pipelines.cli.context import Output
from pipelines.errors import NowguardError

REPOSITORY = Path(__file__).resolve().parents[2]
DAG = "servicenow_nightly"


def airflow_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's variables and `environment`, with this environment's commands first and the repository as home."""
    return {
        **os.environ,
        **environment,
        "AIRFLOW_HOME": os.environ.get("AIRFLOW_HOME", str(REPOSITORY)),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "GX_ANALYTICS_ENABLED": "false",
    }


class AirflowNight:
    """Airflow's database is migrated while the earlier nights run: it takes a third of an Airflow night."""

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        self.log = data / "demo" / "airflow.log"
        self.environment = airflow_environment(environment)
        self.log.unlink(missing_ok=True)
        self._migration = self._start(["airflow", "db", "migrate"])

    def run(self, day: date, out: Output) -> None:
        """`airflow dags test`: the DAG's tasks, its Connection lookup, its retries; no scheduler needed."""
        out.note(f"night {day}: by Airflow, DAG {DAG}")
        started = time.monotonic()
        self._finish(self._migration)
        configuration = json.dumps({"day": str(day)})
        self._finish(self._start(["airflow", "dags", "test", DAG, "-c", configuration]))
        out.note(f"night {day}: Airflow run succeeded, {time.monotonic() - started:.1f} s (log: {self.log})")

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as stream:
            return subprocess.Popen(command, env=self.environment, stdout=stream, stderr=subprocess.STDOUT)

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        if code := process.wait():
            said = " ".join(map(str, process.args[:3])) if isinstance(process.args, list) else "airflow"
            raise NowguardError(f"{said} ended with {code}", remedy=f"read {self.log}")
