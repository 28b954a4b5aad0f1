"""`nowguard demo`: a month of a seeded organisation through the whole pipeline, the last night by Airflow."""

from __future__ import annotations

import importlib
import json as jsonlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.airflow_night import AirflowNight
from pipelines.cli.context import JsonFlag, Output, QuietFlag, explained, settings_of
from pipelines.errors import SourceUnavailable, UsageError

if TYPE_CHECKING:
    from pipelines.settings import Settings

INSTANCE = "demo"
NIGHTS_BEFORE_TRAINING = 14
DERIVING = ("validate", "conform", "features", "score", "detect")
AFTER_MIDNIGHT = timedelta(minutes=30)  # the night's run starts when the day's late rows have begun to settle


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


@explained
def demo(
    ctx: typer.Context,
    users: Annotated[int, typer.Option(min=20, help="Accounts of people.")] = 300,
    days: Annotated[int, typer.Option(min=2, help="Nights, after seven days of back-fill.")] = 23,
    seed: Annotated[int, typer.Option(help="Seed of the organisation.")] = 1,
    airflow: Annotated[bool, typer.Option(help="Run the last night through Airflow.")] = True,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Emulate an organisation, back-fill it, run every night, publish, and print what was found."""
    out = Output(json, quiet)
    started = time.monotonic()
    data = settings_of(ctx).data_dir.resolve()
    _start_afresh(data)
    _compile_beside(data)
    Thread(
        target=importlib.import_module, args=("great_expectations",), daemon=True
    ).start()  # five seconds, not waited for
    last = _yesterday()
    first = last - timedelta(days=days - 1)
    with emulator(data, users=users, days=days, seed=seed, end=last, now=_night_after(first)) as info:
        settings = demo_settings(data, info)
        out.note(f"emulator: {info['url']} with {users} users; {first - timedelta(days=7)} to {last}")
        night = AirflowNight(data, demo_environment(data, info)) if airflow else None
        _connect(settings, out)
        _history(settings, info, first, last - timedelta(days=1), out)
        set_clock(info, _night_after(last))
        if night:
            _run(settings, last, last, out, steps=("posture",))  # by its own DAG, before the night's
            night.run(last, out)
        else:
            _run(settings, last, last, out)
    from pipelines.cli.summary import print_summary

    print_summary(settings, last, out, seconds=time.monotonic() - started)


def _yesterday() -> date:
    from pipelines.window import utc_now

    return utc_now().date() - timedelta(days=1)


def _night_after(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(days=1) + AFTER_MIDNIGHT


def _start_afresh(data: Path) -> None:
    """Remove an earlier demo; refuse to touch a lake that holds anything else."""
    state = data / "state" / "nowguard.sqlite"
    if state.exists():
        from pipelines.state_store import StateStore

        held = {str(row[0]) for row in StateStore(state).query("SELECT DISTINCT instance FROM partition", ())}
        if held - {INSTANCE}:
            raise UsageError(
                f"{data} holds data of {', '.join(sorted(held - {INSTANCE}))}",
                remedy="give the demo a folder of its own: NOWGUARD_DATA_DIR=/tmp/nowguard-demo make demo",
            )
    for name in ("lake", "warehouse", "state", "models", "tmp", "report", "demo"):
        shutil.rmtree(data / name, ignore_errors=True)


def _compile_beside(data: Path) -> None:
    """Turning expressions into SQL takes half a minute of one core, which the emulator's start and the back-fill leave free."""
    own = {**os.environ, "NOWGUARD_DATA_DIR": str(data), "NOWGUARD_CONFIG": os.devnull}
    command = [sys.executable, "-m", "pipelines.steps.compiling"]
    subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def emulator(
    data: Path, *, users: int, days: int, seed: int, end: date, now: datetime, port: int = 0
) -> Iterator[dict[str, Any]]:
    """The emulator as a process of its own; yields what its info file says."""
    folder = data / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    info = folder / "emulator.json"
    info.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "pipelines.cli", "emulate", "--port", str(port), "--users", str(users), "--days", str(days),
        "--seed", str(seed), "--end", str(end), "--now", now.isoformat(sep=" "), "--info", str(info), "--quiet",
    ]  # fmt: skip
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield _wait_for(info, process, folder / "emulator.log")
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(info: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    for _ in range(1200):
        if info.exists():
            found: dict[str, Any] = jsonlib.loads(info.read_text(encoding="utf-8"))
            return found
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SourceUnavailable("the emulator did not start", remedy=f"read {log}")


def demo_environment(data: Path, info: Mapping[str, Any]) -> dict[str, str]:
    """What points any nowguard process at the emulator. No password: `connect` has left a refresh token."""
    values = {
        "NOWGUARD_DATA_DIR": str(data),
        "NOWGUARD_INSTANCE_URL": info["url"],
        "NOWGUARD_INSTANCE_NAME": INSTANCE,
        "NOWGUARD_AUTH": "oauth_password",
        "NOWGUARD_USERNAME": info["username"],
        "NOWGUARD_CLIENT_ID": info["client_id"],
        "NOWGUARD_CLIENT_SECRET": info["client_secret"],
        "NOWGUARD_CA_BUNDLE": info.get("ca_bundle") or "",
        "NOWGUARD_GEO_DB": info.get("geo_db") or "",
        "NOWGUARD_ASN_DB": info.get("asn_db") or "",
        "NOWGUARD_IP_LISTS": info.get("ip_lists") or "",
        "NOWGUARD_ENTRA_TENANT_ID": info.get("entra_tenant_id") or "",
        "NOWGUARD_ENTRA_CLIENT_ID": info.get("entra_client_id") or "",
        "NOWGUARD_ENTRA_CLIENT_SECRET": info.get("entra_client_secret") or "",
        "NOWGUARD_ENTRA_AUTHORITY": info.get("entra_authority") or "",
        "NOWGUARD_GRAPH_URL": info.get("graph_url") or "",
    }
    return {k: str(v) for k, v in values.items() if v}


def demo_settings(data: Path, info: Mapping[str, Any]) -> Settings:
    from pipelines.settings import load

    own = {k: v for k, v in os.environ.items() if not k.startswith("NOWGUARD_")}
    password = {"NOWGUARD_PASSWORD": str(info["password"])}
    return load(environ={**own, **demo_environment(data, info), **password, "NOWGUARD_CONFIG": os.devnull}).settings


def set_clock(info: Mapping[str, Any], now: datetime) -> None:
    """Move the emulator's virtual clock forward."""
    import urllib3

    answer = urllib3.request("POST", f"{info['control_url']}/now", json={"now": now.isoformat(sep=" ")})
    if answer.status != 200:
        raise SourceUnavailable(f"the emulator refused the clock ({answer.status})", remedy="start the demo again")


def connect_quietly(data: Path, info: Mapping[str, Any]) -> None:
    """Leave a refresh token for the emulator that `info` describes."""
    from pipelines.cli.connection import connect_once

    connect_once(demo_settings(data, info))


def _connect(settings: Settings, out: Output) -> None:
    from pipelines.cli.connection import connect_once

    connect_once(settings)
    out.note("connected: the password was exchanged for a refresh token and is not kept")


def _history(settings: Settings, info: Mapping[str, Any], first: date, last: date, out: Output) -> None:
    """Land each night as the clock moves and the instance's tables rotate; derive a fortnight, train on it, derive the rest.

    A range of days gives the rows that its nights one by one give, for less: each night looks back on days whose rows came late.
    """
    from pipelines.window import days_between

    nights = days_between(first, last)
    for part in (nights[:NIGHTS_BEFORE_TRAINING], nights[NIGHTS_BEFORE_TRAINING:]):
        for day in part:
            set_clock(info, _night_after(day))
            # posture is a snapshot: the first and the last night show what turned, thirty would only cost time
            _run(settings, day, day, out, steps=("extract", "posture") if day == first else ("extract",))
        if part:
            _run(settings, part[0], part[-1], out, steps=DERIVING)
        if len(part) == NIGHTS_BEFORE_TRAINING and part[0] == first:
            _train(settings, part[-1], out)


def _train(settings: Settings, day: date, out: Output) -> None:
    """What the DAG `train_models` does on a Monday: three weeks of days are there, the back-fill's among them."""
    from pipelines.cli.progress import Silent
    from pipelines.steps import run_night

    for report in run_night(settings, day, day, progress=Silent(), steps=("train",)):
        for row in report.rows:
            out.note(
                f"model {row.table}: {row.message} ({row.rows:,} user-days, {row.seconds:.1f} s); it scores the nights to come"
            )


def _run(settings: Settings, first: date, last: date, out: Output, steps: Sequence[str] = ()) -> None:
    """What `nowguard run --from first --to last` does, and one line about it."""
    from pipelines.cli.progress import Silent
    from pipelines.steps import STEPS, run_night

    started = time.monotonic()
    reports = run_night(settings, first, last, progress=Silent(), steps=steps or STEPS)
    seconds = time.monotonic() - started
    rows = {report.step: sum(row.rows for row in report.rows) for report in reports}
    if "extract" in rows:
        out.note(f"night {last}: {rows['extract']:>7,} rows read, {seconds:.1f} s")
    elif "conform" in rows:
        spent = ", ".join(f"{report.step} {report.seconds:.1f}" for report in reports)
        out.note(f"nights {first} to {last} validated, derived and judged by every policy, {seconds:.1f} s ({spent})")
    else:
        out.note(f"{reports[0].step} {last}: {seconds:.1f} s")
