"""A small organisation behind a real HTTP server, and the night run against it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli import app, register
from pipelines.cli.progress import Silent
from pipelines.emulator.organisation import World, generate
from pipelines.emulator.server import RunningEmulator, start
from pipelines.settings import Settings, load
from pipelines.steps import run_night
from tests.conftest import COMPILED

END = date(2026, 3, 20)
NIGHTS = 3
SEEN = ("alerts", "behaviors", "alert_evidence", "activities", "files", "coverage", "users", "user_risk")
UNSTABLE = {"created_at", "seconds", "observed_at"}


@pytest.fixture(scope="session")
def world() -> World:
    return generate(seed=11, users=40, days=NIGHTS, before=7, end=END)


@pytest.fixture
def instance(world: World) -> Iterator[RunningEmulator]:
    """A fresh emulator on the morning after the first night."""
    with start(world, now=morning_after(first_night())) as running:
        yield running


def first_night() -> date:
    return END - timedelta(days=NIGHTS)


def nights() -> list[date]:
    return [first_night() + timedelta(days=n) for n in range(NIGHTS)]


def morning_after(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(days=1, minutes=30)


def settings_for(running: RunningEmulator, data_dir: Path, **more: Any) -> Settings:
    info = running.info()
    flags = {
        "data_dir": data_dir, "instance_url": info["url"], "instance_name": "test", "username": info["username"], "password": info["password"],
        "client_id": info["client_id"], "client_secret": info["client_secret"], "geo_db": info["geo_db"], "asn_db": info["asn_db"],
        "ip_lists": info["ip_lists"], "back_fill_days": 3, **more,
    }  # fmt: skip
    share_compiled(Path(data_dir))
    return load(flags, environ={}, file=None).settings


FOUR = ("impossible_travel", "multiple_failed_logins", "mass_download_by_single_user", "unusual_mass_deletion")


def few_policies(folder: Path, kept: Collection[str] = FOUR) -> Path:
    """A user's folder that leaves few policies on: most tests are about something else, and nineteen plans a day cost as much
    as all the rest."""
    from pipelines.policies import registry

    folder.mkdir(parents=True, exist_ok=True)
    off = (f"[{policy_id}]\nenabled = false\n" for policy_id in sorted(registry()) if policy_id not in kept)
    (folder / "policies.toml").write_text("\n".join(off), encoding="utf-8")
    return folder


def share_compiled(data_dir: Path) -> None:
    """Compiled policies are kept by the digest of their code: the tests' many data directories may share one folder."""
    COMPILED.mkdir(mode=0o700, exist_ok=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    if not (data_dir / "compiled").exists():
        (data_dir / "compiled").symlink_to(COMPILED)


@pytest.fixture
def settings(instance: RunningEmulator, tmp_path: Path) -> Settings:
    return settings_for(instance, tmp_path / "data")


Play = Callable[..., None]


@pytest.fixture
def play(instance: RunningEmulator) -> Play:
    """Move the clock to each morning in turn and run its night."""

    def nights_of(settings: Settings, days: list[date] | None = None) -> None:
        for day in days or nights():
            if instance.control.now() < morning_after(day):
                instance.control.set_now(morning_after(day))
            run_night(settings, day, day, progress=Silent())

    return nights_of


def published(settings: Settings, views: tuple[str, ...] = SEEN) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the stable views, without the columns that say when we looked; our own traffic differs by nature."""
    found = {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        for view in views:
            columns = [r[0] for r in con.execute(f"DESCRIBE mart.{view}").fetchall() if r[0] not in UNSTABLE]
            named = ", ".join(f'"{c}"' for c in columns)
            where = "WHERE NOT is_own" if view == "activities" else ""
            found[view] = sorted(con.execute(f"SELECT {named} FROM mart.{view} {where}").fetchall(), key=repr)
    return found


def command(settings: Settings, *arguments: str, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    """`nowguard <arguments>` in a process of its own, killed at `crash_at` if that is given."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("NOWGUARD_")} | _environ(settings)
    if crash_at:
        environ["NOWGUARD_CRASH_AT"] = crash_at
    line = [sys.executable, "-m", "pipelines.cli", *arguments]
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=300, check=False)


def inside(settings: Settings, *arguments: str) -> Result:
    """`nowguard <arguments>` in this process, which has paid for the imports: where nothing is killed or left open."""
    gone = dict.fromkeys(name for name in os.environ if name.startswith("NOWGUARD_"))
    return CliRunner().invoke(_cli(), list(arguments), env=gone | _environ(settings))


@cache
def _cli() -> typer.Typer:
    register()
    return app


def _environ(settings: Settings) -> dict[str, str]:
    names = (
        "data_dir",
        "instance_url",
        "instance_name",
        "username",
        "client_id",
        "geo_db",
        "asn_db",
        "ip_lists",
        "back_fill_days",
        "policies_dir",
    )
    values = {name: str(getattr(settings, name) or "") for name in names}
    values |= {n: v.get_secret_value() for n in ("password", "client_secret") if (v := getattr(settings, n))}
    return {f"NOWGUARD_{name.upper()}": value for name, value in values.items()}
