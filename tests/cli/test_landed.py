"""Commands that only read the lake, where no instance is configured: after the demo, one has landed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli import model, policy, posture_exceptions
from pipelines.cli.context import Invocation
from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.lake import Lake
from pipelines.posture.exceptions import Exceptions
from pipelines.state_store import StateStore
from pipelines.window import utc_now

DAY = date(2026, 3, 4)
BACKTEST = ("policy", "backtest", "--policy", "mass_download_by_single_user", "--from", "2026-03-04", "--to")


def landed(folder: Path, *instances: str) -> Path:
    lake = Lake(folder, StateStore(folder / "state" / "nowguard.sqlite"))
    for name in instances:
        with lake.acquire(name, None, owner="test", ttl=timedelta(minutes=2)) as lease:
            activities = contract("core__activity")
            lake.replace(lease, activities, name, DAY, empty(activities))
    lake.ledger.store.close()
    return folder


def run(folder: Path, *arguments: str) -> Result:
    """In a process without settings but the data directory."""
    app, posture = typer.Typer(), typer.Typer()
    app.add_typer(policy.app, name="policy")
    app.add_typer(model.app, name="model")
    posture_exceptions.register(posture)
    app.add_typer(posture, name="posture")

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": folder})

    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(autouse=True)
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOWGUARD_INSTANCE_URL", "NOWGUARD_INSTANCE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_backtest_is_about_the_only_instance(tmp_path: Path) -> None:
    found = run(landed(tmp_path, "acme"), *BACKTEST, "2026-03-04")

    assert found.exit_code == 0, found.output
    assert "0 alerts only after" in found.output


def test_days_that_never_landed_are_no_days_without_alerts(tmp_path: Path) -> None:
    found = run(landed(tmp_path, "acme"), *BACKTEST, "2026-03-06")

    assert found.exit_code == 0
    assert "2 of 3 days are not in the lake (2026-03-05 the first)" in found.output


def test_no_such_day_is_refused(tmp_path: Path) -> None:
    found = run(landed(tmp_path, "acme"), *(word.replace("03-04", "03-05") for word in BACKTEST), "2026-03-06")

    assert found.exit_code == 2
    assert "acme has activities from 2026-03-04 to 2026-03-04" in found.output


def test_of_several_instances_one_must_be_named(tmp_path: Path) -> None:
    found = run(landed(tmp_path, "acme", "other"), *BACKTEST, "2026-03-04")

    assert found.exit_code == 2
    assert "acme, other" in found.output


def test_nothing_landed_is_said(tmp_path: Path) -> None:
    found = run(tmp_path, *BACKTEST, "2026-03-04")

    assert found.exit_code == 2
    assert "nothing has landed" in found.output


def test_models_are_listed_before_anything_landed(tmp_path: Path) -> None:
    found = run(tmp_path, "model", "list")

    assert found.exit_code == 0, found.output
    assert "user_day" in found.output


def test_an_exception_is_kept_for_the_only_instance(tmp_path: Path) -> None:
    folder = landed(tmp_path, "acme")
    found = run(folder, "posture", "except", "mfa_enabled", "--owner", "ann", "--reason", "until the move",
                "--until", str(utc_now().date() + timedelta(days=30)))  # fmt: skip

    assert found.exit_code == 0, found.output
    kept = Exceptions(StateStore(folder / "state" / "nowguard.sqlite"), "acme").all()
    assert [one.control_id for one in kept] == ["mfa_enabled"]
