"""`nowguard up`: emulator, Airflow and JupyterLab on loopback, over the demo's data, until Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, explained, settings_of
from pipelines.errors import UsageError

JUPYTER_PORT = 8888


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
    from pipelines.cli.airflow_night import REPOSITORY
    from pipelines.cli.demo import _night_after, _yesterday, connect_quietly, demo_environment, emulator

    out = Output(json, quiet)
    data = settings_of(ctx).data_dir.resolve()
    last = _yesterday()
    with ExitStack() as stack:
        info = stack.enter_context(
            emulator(data, users=users, days=days, seed=1, end=last, now=_night_after(last), port=port)
        )
        connect_quietly(data, info)
        environment = {
            **os.environ,
            **demo_environment(data, info),
            "AIRFLOW_HOME": os.environ.get("AIRFLOW_HOME", str(REPOSITORY)),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        logs = data / "demo"
        _start(stack, ["airflow", "standalone"], environment, logs / "standalone.log")
        _start(
            stack,
            ["jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={JUPYTER_PORT}", f"--notebook-dir={REPOSITORY}",
             "--allow-root"],
            environment, logs / "jupyter.log",
        )  # fmt: skip
        out.line(f"emulator    {info['url']}  (control: {info['control_url']})")
        out.line(
            f"Airflow     http://127.0.0.1:8080  (password: {REPOSITORY / 'simple_auth_manager_passwords.json.generated'})"
        )
        out.line(f"JupyterLab  http://127.0.0.1:{JUPYTER_PORT}  (token: {logs / 'jupyter.log'})")
        out.line(f"warehouse   {data / 'warehouse' / 'nowguard.duckdb'}")
        out.line("Ctrl-C ends all three")
        _wait(stack)


def _start(stack: ExitStack, command: list[str], environment: dict[str, str], log: Path) -> None:
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


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole session: Airflow's standalone has children of its own."""
    import signal

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
