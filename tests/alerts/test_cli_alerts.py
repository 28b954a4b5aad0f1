"""`nowguard alerts` over a published file: what it prints, what it keeps, and what it never lets through to a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.alerts import Triage, publishable
from pipelines.cli import alerts as command
from pipelines.cli.context import Invocation
from pipelines.state_store import StateStore
from tests.alerts.rows import INSTANCE, detection, detections, evidence, published_evidence, table

Run = Callable[..., Result]
HOSTILE = "ann\x1b[2J\u202e\nroot"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("list", ...)` as on the command line, over `tmp_path`."""
    words = {"summary": "Two places, too far apart.", "steps": ("Ask the user.",), "blind_to": "Slow travellers."}
    monkeypatch.setattr(command, "_policy_words", lambda settings, policy_id: words)
    app = typer.Typer()
    app.add_typer(command.app, name="alerts")

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": tmp_path, "instance_name": INSTANCE})

    return lambda *args: CliRunner().invoke(app, ["alerts", *args])


def publish(
    folder: Path,
    *rows: dict[str, Any],
    proof: Any = None,
    coverage: tuple[tuple[str, str, str], ...] = (),
    strange: tuple[tuple[str, float], ...] = (),
    **options: Any,
) -> None:
    """A warehouse as `publish` leaves it, with the views that the command reads."""
    with StateStoreOf(folder) as store:
        now = datetime.fromisoformat("2026-11-03 06:00:00")
        frames = publishable(
            duckdb.connect(), detections(*rows), proof or evidence(), Triage(store), now=now, **options
        )
    attributions = pa.Table.from_pylist(
        [{"alert_uid": alert["alert_uid"], "feature": feature, "value": 9.0, "baseline": 1.5, "contribution": contribution,
          "scored_on": date(2026, 11, 2), "model_score": 87.2, "model_id": "user_day", "model_revision": "f00d"}
         for alert in frames["alerts"].to_pylist() for feature, contribution in strange],
        schema=pa.schema([("alert_uid", pa.string()), ("feature", pa.string()), ("value", pa.float64()), ("baseline", pa.float64()),
                          ("contribution", pa.float64()), ("scored_on", pa.date32()), ("model_score", pa.float64()),
                          ("model_id", pa.string()), ("model_revision", pa.string())]),
    )  # fmt: skip
    covered = [
        {"instance": INSTANCE, "event_date": date(2026, 11, 2), "policy_id": p, "state": s, "reason": r}
        for p, s, r in coverage
    ]
    frames["coverage"] = table("out__coverage", covered)
    frames["alert_attributions"] = attributions
    frames["alert_evidence"] = published_evidence(frames, proof or evidence())
    path = folder / "warehouse" / "nowguard.duckdb"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA mart")
        for name, frame in frames.items():
            con.register("frame", frame)
            con.execute(f"CREATE TABLE mart.{name} AS SELECT * FROM frame")


class StateStoreOf:
    def __init__(self, folder: Path) -> None:
        self.store = StateStore(folder / "state" / "nowguard.sqlite")

    def __enter__(self) -> StateStore:
        return self.store

    def __exit__(self, *exc: object) -> None:
        self.store.close()


def listed(run: Run, *args: str) -> list[dict[str, Any]]:
    result = run("list", "--json", *args)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    return list(answer.get("alerts", answer.get("behaviors")))


ONE = detection("a", "2026-11-01 10:00:00")
TWO = detection(
    "b", "2026-11-01 11:00:00", actor_user_uid="u2", actor_user_name="bea", actor_user_uids=["u2"], risk_score=90.0
)


def test_the_list_puts_the_most_pressing_alert_first(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE, TWO)

    assert [row["actor_user_name"] for row in listed(run)] == ["bea", "ann"]
    assert "2 alerts" in run("list").stdout


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["--user", "bea"], ["bea"]),
        (["--user", "u1"], ["ann"]),
        (["--severity", "high"], []),
        (["--policy", "impossible_travel"], ["bea", "ann"]),
        (["--to", "2026-10-31"], []),
        (["--from", "2026-11-01"], ["bea", "ann"]),
        (["--limit", "1"], ["bea"]),
    ],
)
def test_filters_narrow_the_list(tmp_path: Path, run: Run, args: list[str], found: list[str]) -> None:
    publish(tmp_path, ONE, TWO)

    assert [row["actor_user_name"] for row in listed(run, *args)] == found


def test_blindness_is_said_instead_of_no_alerts(tmp_path: Path, run: Run) -> None:
    publish(
        tmp_path,
        coverage=(("impossible_travel", "blind", "no location database: set NOWGUARD_GEO_DB"), ("other", "active", "")),
    )

    said = run("list").stdout

    assert "impossible_travel is blind: no location database" in said
    assert "says nothing about impossible_travel" in said
    assert "No alerts" not in said


def test_with_every_policy_seeing_no_alerts_means_none(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, coverage=(("impossible_travel", "active", ""),))

    assert run("list").stdout.strip() == "No alerts."


def test_show_explains_who_what_why_evidence_and_next_steps(tmp_path: Path, run: Run) -> None:
    row = ONE | {"is_first_for_user": True, "trait_kind": "country", "trait_value": "BR", "facts": '{"km": 9500}',
                 "risk_parts": '{"prior": 1.39, "first_for_user": 0.5}', "priority_parts": '{"severity": 25.0}'}  # fmt: skip
    publish(tmp_path, row, proof=evidence(("a", "e1", "2026-11-01 10:00:00")))
    uid = listed(run)[0]["alert_uid"]

    said = run("show", uid[:8]).stdout

    for expected in ("ann (sys_user u1)", "impossible_travel (anomaly, severity medium)", "country BR: new for this user in 90 days",
                     "how often this policy was right when it was measured: 80 %", "odds x1.65", "severity: 25 of 40", "km: 9500", "sysevent e1",
                     "Ask the user.", "Slow travellers.", f"nowguard alerts close {uid[:12]}"):  # fmt: skip
        assert expected in said


def test_show_names_what_the_model_found_strange(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE, strange=(("records_over_own", -1.25), ("files_over_own", -2.5), ("exports_over_own", 0.3)))
    uid = listed(run)[0]["alert_uid"]

    said = run("show", uid).stdout

    assert "user_day f00d on 2026-11-02: score 87 of 100" in said
    assert said.index("files_over_own 9, usual 1.5: 2.50 cuts stranger") < said.index("records_over_own 9")
    assert "exports_over_own" not in said


def test_nothing_an_attacker_typed_reaches_the_terminal_as_control(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE | {"actor_user_name": HOSTILE, "title": HOSTILE, "facts": json.dumps({"name": HOSTILE})})
    uid = listed(run)[0]["alert_uid"]

    said = run("list").stdout + run("show", uid).stdout

    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\nroot" not in said


def test_a_decision_shows_at_once_and_after_the_next_publish(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE)
    uid = listed(run)[0]["alert_uid"]

    assert (
        run(
            "close", uid, "--as", "benign", "--reason", "confirmed_with_user", "--comment", "trip", "--by", "bo"
        ).exit_code
        == 0
    )

    assert listed(run) == []
    closed = listed(run, "--status", "closed")[0]
    publish(tmp_path, ONE)
    assert closed["close_reason"] == listed(run, "--status", "all")[0]["close_reason"] == "confirmed_with_user"
    assert "bo: closed, benign, confirmed_with_user, trip" in run("show", uid).stdout


def test_ack_and_assign_are_seen_in_the_list(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE)
    uid = listed(run)[0]["alert_uid"]

    run("ack", uid)
    run("assign", uid, "--to", "cy")

    assert "acknowledged (cy)" in run("list").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["show", "ab"], "too short"),
        (["show", "ffffffff"], "no alert has a uid"),
        (["close", "{uid}", "--as", "benign", "--reason", "nonsense"], "use one of severity_lower"),
        (["suppress", "--reason", "x", "--policy", "impossible_travel"], "names a user, an address or a country"),
        (["suppress", "--reason", "x", "--ip", "nowhere"], "neither an address nor a network"),
        (["suppress", "--reason", " ", "--user", "ann"], "needs an owner and a reason"),
        (["unsuppress", "0123"], "no suppression 0123 is in force"),
    ],
)
def test_a_mistake_is_explained_with_exit_code_two(tmp_path: Path, run: Run, args: list[str], says: str) -> None:
    publish(tmp_path, ONE)
    uid = listed(run)[0]["alert_uid"]

    result = run(*(arg.format(uid=uid) for arg in args))

    assert result.exit_code == 2
    assert says in result.output


def test_without_a_warehouse_the_remedy_is_to_run(run: Run) -> None:
    result = run("list")

    assert result.exit_code == 2
    assert "nowguard run" in result.output


def test_a_suppression_made_from_an_alert_hides_it_and_says_so(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE, TWO, coverage=(("impossible_travel", "active", ""),))
    uid = listed(run, "--user", "ann")[0]["alert_uid"]

    made = json.loads(run("suppress", uid, "--reason", "red team", "--owner", "bo", "--days", "90", "--json").stdout)

    assert (made["policy_id"], made["actor_user_uid"], made["expires_at"]) == (
        "impossible_travel",
        "u1",
        "2027-02-01 00:00:00",
    )
    assert [row["actor_user_name"] for row in listed(run)] == ["bea"]
    assert listed(run, "--behaviors")[0]["suppressed_by"] == f"suppression:{made['suppression_uid']}"
    assert "policy impossible_travel, user u1" in run("suppressions").stdout.replace("\n", " ")
    run("unsuppress", made["suppression_uid"])
    assert len(listed(run)) == 2


def test_a_flood_is_one_line_and_closing_it_closes_its_members(tmp_path: Path, run: Run) -> None:
    storm = [
        detection(f"d{i}", "2026-11-01 10:00:00", actor_user_uid=f"u{i}", actor_user_uids=[f"u{i}"]) for i in range(4)
    ]
    publish(tmp_path, *storm, budgets={"impossible_travel": 3})

    summary = listed(run)
    assert len(summary) == 1
    assert len(listed(run, "--group", summary[0]["alert_uid"])) == 4

    run("close", summary[0]["alert_uid"], "--as", "false_positive", "--reason", "too_many_similar")

    assert listed(run) == listed(run, "--group", summary[0]["alert_uid"]) == []


def test_quiet_prints_results_only(tmp_path: Path, run: Run) -> None:
    publish(tmp_path, ONE)
    uid = listed(run)[0]["alert_uid"]

    assert run("ack", uid, "--quiet").output.strip() == f"{uid[:12]} acknowledged"
