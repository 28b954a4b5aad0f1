"""`nowguard up`: emulator, Airflow and JupyterLab on loopback, over the demo's data, until Ctrl-C."""

from __future__ import annotations

import json as jsonlib
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, explained, settings_of
from pipelines.errors import SourceUnavailable, UsageError

AIRFLOW_PORT, JUPYTER_PORT = 8080, 8888
NOTEBOOKS = ("alert_triage.ipynb", "model_explanation.ipynb")  # whose addresses are printed
LAB = (
    "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={JUPYTER_PORT}", "--allow-root",
    f"--LabApp.default_url=/lab/tree/notebooks/{NOTEBOOKS[0]}",
    "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdates",  # asks no external host
)  # fmt: skip


def register(app: typer.Typer) -> None:
    app.command("up")(up)


@explained
def up(
    ctx: typer.Context,
    users: Annotated[int, typer.Option(min=20, help="Accounts of people in the emulator.")] = 300,
    days: Annotated[int, typer.Option(min=2, help="Days of history in the emulator.")] = 30,
    port: Annotated[int, typer.Option(help="Port of the emulator.")] = 8088,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Start everything to explore by hand. Run `make demo` first to have data to look at."""
    from pipelines.cli.airflow_night import REPOSITORY, airflow_environment
    from pipelines.cli.demo import _night_after, _yesterday, connect_quietly, demo_environment, emulator

    out = Output(json, quiet)
    data = settings_of(ctx).data_dir.resolve()
    last = _yesterday()
    signal.signal(signal.SIGTERM, _interrupt)
    with ExitStack() as stack:
        info = stack.enter_context(
            emulator(data, users=users, days=days, seed=1, end=last, now=_night_after(last), port=port)
        )
        connect_quietly(data, info)
        environment = airflow_environment(demo_environment(data, info))
        logs = data / "demo"
        out.line(f"emulator    {info['url']}  (control: {info['control_url']})")
        airflow = _start(stack, ["airflow", "standalone"], environment, logs / "standalone.log")
        lab_environment = environment | {"JUPYTERLAB_SETTINGS_DIR": str(_without_news(logs / "jupyter"))}
        jupyter = _start(stack, [*LAB, f"--notebook-dir={REPOSITORY}"], lab_environment, logs / "jupyter.log")
        _await(jupyter, JUPYTER_PORT, logs / "jupyter.log", out)
        for name in NOTEBOOKS:
            out.line(f"JupyterLab  {_notebook_address(logs / 'jupyter.log', name)}")
        _await(airflow, AIRFLOW_PORT, logs / "standalone.log", out)
        out.line(f"Airflow     http://127.0.0.1:{AIRFLOW_PORT}  (user admin, password {_password()})")
        out.line(f"warehouse   {data / 'warehouse' / 'nowguard.duckdb'}")
        out.line("Ctrl-C ends all three")
        _wait(stack)


def _interrupt(number: int, frame: object) -> None:
    """A service manager's SIGTERM ends the children as Ctrl-C does."""
    raise KeyboardInterrupt


def _await(process: subprocess.Popen[bytes], port: int, log: Path, out: Output) -> None:
    """Until the port answers: an address that is printed can be opened."""
    out.note(f"waiting for port {port} (log: {log})")
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise SourceUnavailable(f"nothing answers on port {port}", remedy=f"read {log}")


def _without_news(folder: Path) -> Path:
    """JupyterLab's settings for this run: it neither fetches news nor asks whether it may."""
    path = folder / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(jsonlib.dumps({"fetchNews": "false", "checkForUpdates": False}), encoding="utf-8")
    return folder


def _notebook_address(log: Path, name: str) -> str:
    """Where JupyterLab opens this notebook, with the token it made up."""
    address = f"http://127.0.0.1:{JUPYTER_PORT}/lab/tree/notebooks/{name}"
    found = re.search(r"[?&]token=(\w+)", log.read_text(encoding="utf-8", errors="replace"))
    return f"{address}?token={found[1]}" if found else f"{address}  (token: {log})"


def _password() -> str:
    from pipelines.cli.airflow_night import REPOSITORY

    path = Path(os.environ.get("AIRFLOW_HOME", str(REPOSITORY))) / "simple_auth_manager_passwords.json.generated"
    return str(jsonlib.loads(path.read_text(encoding="utf-8")).get("admin", "")) if path.exists() else f"in {path}"


def _start(stack: ExitStack, command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    stream = stack.enter_context(log.open("wb"))
    try:
        process = subprocess.Popen(
            command, env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
    except FileNotFoundError:
        raise UsageError(
            f"{command[0]} is not installed here", remedy="run `make env` and start with `make up`"
        ) from None
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole session: Airflow's standalone has children of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait(stack: ExitStack) -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        stack.close()
