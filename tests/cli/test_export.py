"""`nowguard export`: what other tools read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.alerts.ocsf import detection_finding
from pipelines.cli import export as command
from pipelines.cli.context import Invocation
from tests.ocsf.schema import complaints

Run = Callable[..., Result]
HOSTILE = '=cmd|"/c calc"!A1\nsecond, line'


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("--table", ...)` over a file with two views: one with days, one without."""
    (tmp_path / "warehouse").mkdir()
    with duckdb.connect(str(tmp_path / "warehouse" / "nowguard.duckdb")) as con:
        con.execute("CREATE SCHEMA mart")
        con.execute(
            "CREATE VIEW mart.activities AS SELECT 'acme' AS instance, DATE '2026-03-01' + n::INTEGER AS event_date, n AS bytes, "
            "CASE n WHEN 0 THEN NULL WHEN 1 THEN $$" + HOSTILE + "$$ ELSE 'plain' END AS title, ['a', 'b'] AS tags FROM range(25000) AS r(n)"
        )  # fmt: skip
        con.execute("CREATE VIEW mart.files AS SELECT 'f' AS file_uid")
    app = typer.Typer()
    command.register(app)

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": tmp_path, "instance_name": "acme"})

    return lambda *args: CliRunner().invoke(app, ["export", *args])


def test_json_lines_hold_every_row_as_it_is(run: Run) -> None:
    rows = [json.loads(line) for line in run("--table", "mart.activities").output.splitlines()]
    assert len(rows) == 25_000
    assert rows[1]["title"] == HOSTILE
    assert rows[0]["title"] is None
    assert rows[2]["tags"] == ["a", "b"]


def test_csv_reads_back_and_holds_no_formula(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--table", "activities", "--format", "csv").output)))
    assert len(rows) == 25_000
    assert rows[1]["title"] == "'" + HOSTILE
    assert (rows[0]["title"], rows[2]["title"], rows[2]["tags"]) == ("", "plain", "a; b")


def test_days_narrow_the_rows(run: Run) -> None:
    lines = run("--table", "activities", "--from", "2026-03-02", "--to", "2026-03-04").output.splitlines()
    assert [json.loads(line)["bytes"] for line in lines] == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--table", "activitys"), "did you mean activities?"),
        (("--table", "activities", "--format", "xml"), "choose one of ocsf, csv, jsonl"),
        (("--table", "activities", "--format", "ocsf"), "use csv or jsonl"),
        (("--table", "files", "--from", "2026-03-01"), "has no days"),
        (("--table", "files", "--out", "/no/such/folder/f"), "a folder that exists"),
        (("--table", "activities; DROP TABLE x"), "there is no view"),
    ],
)
def test_what_cannot_be_exported_is_said_with_a_way_out(run: Run, options: tuple[str, ...], said: str) -> None:
    result = run(*options)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_file_is_written_whole(run: Run, tmp_path: Path) -> None:
    assert run("--table", "files", "--out", str(tmp_path / "f.jsonl")).exit_code == 0
    assert (tmp_path / "f.jsonl").read_text(encoding="utf-8") == '{"file_uid":"f"}\n'
    assert not (tmp_path / "f.jsonl.part").exists()


SEEN = datetime(2026, 3, 1, 10)
ROW = {
    "alert_uid": "a1", "instance": "acme", "policy_id": "impossible_travel", "policy_kind": "anomaly", "severity": "high",
    "close_reason": None, "actor_user_uid": "u1", "actor_user_name": "ann",
    "actor_user_uids": ["u1"], "first_seen": SEEN, "last_seen": SEEN, "created_at": None, "title": "Two places", "evidence_count": 2,
    "attack_techniques": ["T1078"], "src_ips": ["203.0.113.5"], "countries": ["FR"], "policy_revision": "r", "risk_score": 87.4,
    "priority": 40.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "classification", "activity", "state"),
    [
        ("new", None, "Create", "New"),
        ("acknowledged", None, "Update", "In Progress"),
        ("closed", "true_positive", "Close", "Resolved"),
        ("closed", "benign", "Close", "Suppressed"),
        ("closed", "false_positive", "Close", "Suppressed"),
    ],
)
def test_an_alert_is_a_detection_finding(status: str, classification: str | None, activity: str, state: str) -> None:
    row = {**ROW, "status": status, "classification": classification}

    event = detection_finding(row, "1")

    assert complaints(event, "detection_finding") == []
    assert (event["class_uid"], event["type_uid"]) == (2004, 200400 + event["activity_id"])
    assert (event["activity_name"], event["status"], event["severity_id"]) == (activity, state, 4)
    assert event["is_alert"] == (status != "closed")
    assert (event["finding_info"]["uid"], event["confidence_score"]) == ("a1", 87)
    assert event["time"] == 1_772_359_200_000


def test_what_is_not_known_of_an_alert_is_left_out() -> None:
    about_many = {"actor_user_uid": None, "actor_user_name": None, "actor_user_uids": ["u1", "u2"], "risk_score": None}

    event = detection_finding({**ROW, "status": "new", "classification": None, **about_many}, "1")

    assert complaints(event, "detection_finding") == []
    assert [sorted(person) for person in event["resources"]] == [["type", "uid"], ["type", "uid"]]
