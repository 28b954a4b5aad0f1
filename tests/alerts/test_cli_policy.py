"""`nowguard policy`: what is listed, shown, proved and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli import policy as command
from pipelines.cli.context import Invocation
from pipelines.contracts import contract
from pipelines.lake import Lake
from pipelines.policies.core import Case, Evidence, Kind, Param, Params, Policy, Tables
from pipelines.state_store import StateStore
from tests.alerts.rows import INSTANCE, table

Run = Callable[..., Result]
DAY = date(2026, 11, 1)


def detect(tables: Tables, params: Params) -> Any:
    """Who has shown at least `min_actions` activities on the day."""
    activity = tables["core__activity"]
    found = activity.group_by("actor_user_uid", "actor_user_name").agg(
        first_seen=activity.time.min(),
        last_seen=activity.time.max(),
        evidence_count=activity.count(),
        src_ips=activity.src_ip.collect(),
        countries=activity.country.collect(),
        evidence=activity.activity_uid.collect(),
    )
    return found.filter(found.evidence_count >= params.min_actions).mutate(actor_user_uids=ibis.null("array<string>"))


BUSY = Policy(
    id="busy",
    kind=Kind.ACTIVITY,
    severity="low",
    attack=("T1078",),
    title="{actor_user_name} did much",
    summary="Somebody does much.\n\nA policy for tests.",
    blind_to="Who does little.",
    triage=("Ask.",),
    reads=("core__activity",),
    needs=Evidence(tables=("sysevent",), learning_days=2),
    detect=detect,
    cases=(Case("empty input", (), DAY),),
    params=(Param("min_actions", 3, "actions a day", "a guess", "actions"),),
)


def test_a_policy_that_the_user_switched_off_is_listed_as_off(tmp_path: Path) -> None:
    (tmp_path / "policies.toml").write_text("[impossible_travel]\nenabled = false\n", encoding="utf-8")
    app = typer.Typer()
    app.add_typer(command.app, name="policy")

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": tmp_path, "policies_dir": tmp_path})

    rows = json.loads(CliRunner().invoke(app, ["policy", "list", "--json"]).stdout)
    states = {row["policy"]: row["coverage"] for row in rows}

    assert (states["impossible_travel"], states["mass_download_by_single_user"]) == ("off", "not run")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(command, "_policies", lambda settings: ({"busy": BUSY}, ()))
    app = typer.Typer()
    app.add_typer(command.app, name="policy")

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": tmp_path, "instance_name": INSTANCE})

    return lambda *args: CliRunner().invoke(app, ["policy", *args])


def land(folder: Path, actions: dict[str, int]) -> None:
    """Activities of the day, so many per user."""
    rows = [
        {"instance": INSTANCE, "event_date": DAY, "activity_uid": f"{user}{i}", "time": datetime.combine(DAY, datetime.min.time()),
         "activity_name": "login", "actor_user_uid": user, "actor_user_name": user, "is_own": False, "is_system": False,
         "is_impersonated": False, "source_table": "sysevent", "source_uid": f"{user}{i}", "ip_categories": []}
        for user, count in actions.items()
        for i in range(count)
    ]  # fmt: skip
    store = StateStore(folder / "state" / "nowguard.sqlite")
    lake = Lake(folder, store)
    with lake.acquire(INSTANCE, None, owner="test", ttl=timedelta(minutes=1)) as lease:
        lake.replace(lease, contract("core__activity"), INSTANCE, DAY, table("core__activity", rows))
    store.close()


def test_the_list_names_every_policy_and_says_that_nothing_ran(run: Run) -> None:
    rows = json.loads(run("list", "--json").stdout)

    assert [(row["policy"], row["coverage"], row["what it looks for"]) for row in rows] == [
        ("busy", "not run", "Somebody does much.")
    ]


def test_show_says_parameters_needs_and_blind_spot(run: Run) -> None:
    said = run("show", "busy").stdout

    for expected in (
        "min_actions",
        "a guess",
        "sysevent: without it, blind",
        "2 days of history",
        "Who does little.",
        "Ask.",
        "empty input",
    ):
        assert expected in said


def test_a_misspelt_policy_is_met_with_a_suggestion(run: Run) -> None:
    result = run("show", "bussy")

    assert result.exit_code == 2
    assert "did you mean busy?" in result.output


def test_cases_that_hold_exit_with_nought(run: Run) -> None:
    result = run("test")

    assert result.exit_code == 0
    assert "1 of 1 cases of 1 policies hold" in result.stdout


def test_a_case_that_fails_exits_with_one_and_says_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(BUSY, cases=(Case("fires on nothing", (), DAY, alerts=1),))
    monkeypatch.setattr(command, "_policies", lambda settings: ({"busy": wrong}, ()))

    result = run("test", "busy")

    assert result.exit_code == 1
    assert "FAILED busy: fires on nothing" in result.output
    assert "expected 1 alerts" in result.output


def test_a_backtest_counts_alerts_and_users_before_and_after(tmp_path: Path, run: Run) -> None:
    land(tmp_path, {"ann": 5, "bea": 3, "cy": 1})

    answer = json.loads(
        run(
            "backtest",
            "--policy",
            "busy",
            "--from",
            "2026-10-31",
            "--to",
            "2026-11-01",
            "--set",
            "min_actions=4",
            "--json",
        ).stdout
    )

    assert (answer["total"]["before"]["alerts"], answer["total"]["after"]["alerts"]) == (2, 1)
    assert [day["before"]["users"] for day in answer["days"]] == [0, 2]
    assert (len(answer["lost"]), answer["gained"]) == (1, [])
    assert (
        "busy: min_actions=4"
        in run(
            "backtest", "--policy", "busy", "--from", "2026-11-01", "--to", "2026-11-01", "--set", "min_actions=4"
        ).stdout
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("min_actions", "is not key=value"),
        ("min_action=4", "has no parameter min_action"),
        ("min_actions=many", "is no value for min_actions"),
    ],
)
def test_a_wrong_change_is_refused_with_a_remedy(run: Run, changes: str, says: str) -> None:
    result = run("backtest", "--policy", "busy", "--from", "2026-11-01", "--to", "2026-11-01", "--set", changes)

    assert result.exit_code == 2
    assert says in result.output


def test_days_in_the_wrong_order_are_refused(run: Run) -> None:
    assert run("backtest", "--policy", "busy", "--from", "2026-11-02", "--to", "2026-11-01").exit_code == 2
