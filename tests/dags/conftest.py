"""An Airflow home of its own for the DAG tests: the repository's configuration, a database in a temporary folder."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with our airflow.cfg, fresh keys and a migrated database."""
    home = tmp_path_factory.mktemp("airflow")
    shutil.copy(REPOSITORY / "airflow.cfg", home)
    (home / "dags").symlink_to(REPOSITORY / "dags")
    (home / ".secrets").mkdir(mode=0o700)
    for key in ("api", "jwt"):
        (home / ".secrets" / key).write_text(secrets.token_urlsafe(32))
    from cryptography.fernet import Fernet

    (home / ".secrets" / "fernet").write_text(Fernet.generate_key().decode())
    subprocess.run([airflow(), "db", "migrate"], env=environment(home), check=True, capture_output=True, timeout=240)
    return home


def airflow() -> str:
    return str(Path(sys.executable).parent / "airflow")


def environment(home: Path, **more: str) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "NOWGUARD_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**own, "AIRFLOW_HOME": str(home), "PATH": path, "GX_ANALYTICS_ENABLED": "false", **more}
