"""`nowguard posture` over a published file: what it lists, explains, exports and fails on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli import posture as command
from pipelines.cli import posture_exceptions
from pipelines.cli.context import Invocation
from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.lake import Lake, Runs, publish
from pipelines.posture.changes import carry, changes
from pipelines.posture.evaluate import evaluate
from pipelines.posture.ocsf import compliance_finding
from pipelines.posture.registry import controls
from pipelines.posture.score import score
from pipelines.report import render
from pipelines.state_store import StateStore
from pipelines.window import utc_now
from tests.ocsf.schema import complaints
from tests.posture.world import DAY, World, properties, snapshot

INSTANCE = "acme"
BASIC_AUTH = "glide.basicauth.required.scriptedprocessor"
NAMED = (
    "mfa_enabled",
    "explicit_roles_plugin_active",
    "high_security_plugin_active",
    "script_request_authorization_enabled",
)
Run = Callable[..., Result]


def judged(day: date, value: str, unread: frozenset[str] = frozenset()) -> pa.Table:
    """The four named recommendations on an instance with one property set to `value`."""
    con, tables = snapshot(World(properties({BASIC_AUTH: value}), unread=unread))
    asked = {id_: controls()[id_] for id_ in NAMED}
    with con:
        return evaluate(con, INSTANCE, day, release="yokohama", tables=tables, asked=asked)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights: the property was as it should be, then it was not."""
    folder = tmp_path_factory.mktemp("posture")
    before = judged(DAY, "true")
    now = carry(before, judged(DAY + timedelta(days=1), "false", frozenset({"v_plugin", "sys_plugins"})))
    lake = Lake(folder, StateStore(folder / "state" / "nowguard.sqlite"))
    with lake.acquire(INSTANCE, None, owner="test", ttl=timedelta(minutes=2)) as lease:
        for previous, states in ((None, before), (before, now)):
            day = states["event_date"][0].as_py()
            lake.replace(lease, contract("out__posture"), INSTANCE, day, states)
            lake.replace(lease, contract("out__posture_change"), INSTANCE, day, changes(previous, states))
            lake.replace(lease, contract("out__posture_score"), INSTANCE, day, score(states))
        alert = contract("out__alert")
        frames = {"alerts": empty(alert), "behaviors": empty(alert)}
        publish(lake, lambda: frames, runs=Runs(lake.store).all)
    return folder


@pytest.fixture
def run(published: Path) -> Run:
    return command_line(published, INSTANCE)


def command_line(published: Path, instance: str) -> Run:
    app = typer.Typer()
    group = typer.Typer()
    group.add_typer(command.app)
    posture_exceptions.register(group)
    app.add_typer(group, name="posture")

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": published, "instance_name": instance})

    return lambda *args: CliRunner().invoke(app, ["posture", *args])


def test_the_list_begins_with_what_to_act_on_and_ends_with_the_score(run: Run) -> None:
    result = run("list", "--json")

    said = json.loads(result.output)
    states = [row["state"] for row in said["recommendations"]]
    assert states == sorted(states, key=("not_compliant", "unknown", "compliant", "not_applicable").index)
    assert said["recommendations"][0]["state"] == "not_compliant"
    assert said["score"]["unknown"] == states.count("unknown") > 0


def test_without_an_instance_the_only_published_one_is_meant(published: Path, run: Run) -> None:
    assert command_line(published, "")("list", "--json").output == run("list", "--json").output
    assert "no posture of elsewhere" in command_line(published, "elsewhere")("list").output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--state", "not_compliant", "--changed"), {"script_request_authorization_enabled"}),
        (("--severity-min", "9"), {"high_security_plugin_active"}),
        (("--category", "endpoints"), {"script_request_authorization_enabled"}),
    ],
)
def test_filters_narrow_the_list(run: Run, options: tuple[str, ...], expected: set[str]) -> None:
    rows = json.loads(run("list", *options, "--json").output)["recommendations"]
    assert {row["control_id"] for row in rows} == expected


def test_an_earlier_day_shows_what_held_then(run: Run) -> None:
    rows = json.loads(run("list", "--day", str(DAY), "--json").output)["recommendations"]
    assert {r["control_id"]: r["state"] for r in rows}["script_request_authorization_enabled"] == "compliant"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--fail-on", "not_compliant"), 1),
        (("--fail-on", "unknown"), 1),
        (("--fail-under", "99"), 1),
        (("--fail-under", "0"), 0),
        (("--fail-on", "not_compliant", "--category", "no such"), 0),
        (("--fail-on", "broken"), 2),
        (("--state", "compliand"), 2),
        (("--day", "2020-01-01"), 2),
    ],
)
def test_exit_codes(run: Run, options: tuple[str, ...], code: int) -> None:
    assert run("list", *options).exit_code == code


def test_one_is_explained_with_its_fix_and_its_drift(run: Run) -> None:
    said = run("show", "script_request_authorization_enabled").output

    assert "not_compliant since 2026-03-05" in said
    assert "compliant -> not_compliant (drift)" in said
    assert "1. " in said
    assert "cannot be undone" in said
    assert run("show", "71").output == said


def test_what_is_unknown_names_the_access_that_is_missing(run: Run) -> None:
    rows = json.loads(run("list", "--state", "unknown", "--json").output)["recommendations"]
    said = run("show", rows[0]["control_id"]).output
    assert rows[0]["reason"][:20] in said


def test_a_mistyped_id_is_answered_with_the_near_one(run: Run) -> None:
    result = run("show", "mfa_enable")
    assert result.exit_code == 2
    assert "did you mean mfa_enabled?" in result.output


def test_csv_has_every_row_and_no_formula(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("export", "--format", "csv").output)))
    assert {row["control_id"] for row in rows} == set(NAMED)
    assert command._cell("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert command._cell(["a", "b"]) == "a; b"


def test_a_file_is_written_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    assert run("export", "--out", str(tmp_path / "p.json")).exit_code == 0
    assert len(json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))) == len(NAMED)
    assert [p.name for p in tmp_path.iterdir()] == ["p.json"]
    assert run("export", "--out", str(tmp_path / "none" / "p.json")).exit_code == 2


def test_every_exported_finding_is_one_by_the_schema_of_ocsf(run: Run) -> None:
    events = [json.loads(line) for line in run("export", "--format", "ocsf").output.splitlines()]

    assert {e["compliance"]["control"] for e in events} == set(NAMED)
    for event in events:
        assert complaints(event, "compliance_finding") == []
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["metadata"]["version"] == "1.8.0"
        assert event["compliance"]["standards"]
        assert event["remediation"]["desc"]


def test_the_schema_refuses_what_is_no_finding(run: Run) -> None:
    event = json.loads(run("export", "--format", "ocsf").output.splitlines()[0])
    spoilt = {**event, "severity_id": 7, "time": "noon", "surprise": 1, "compliance": {"status_id": "Fail"}}
    del spoilt["finding_info"]

    said = "\n".join(complaints(spoilt, "compliance_finding"))

    for wrong in ("severity_id", "time", "surprise", "compliance.status_id", "finding_info"):
        assert wrong in said


def test_a_state_is_a_status_and_a_finding_closes_when_nothing_is_left_to_do() -> None:
    before, now = judged(DAY, "true").to_pylist(), judged(DAY + timedelta(days=1), "false").to_pylist()
    fixed = next(r for r in before if r["control_id"] == "script_request_authorization_enabled")
    broken = next(r for r in now if r["control_id"] == "script_request_authorization_enabled")

    good, bad = compliance_finding(fixed, "1"), compliance_finding(broken, "1")
    assert (good["compliance"]["status"], good["activity_name"], good["severity"]) == ("Pass", "Close", "Informational")
    assert (bad["compliance"]["status"], bad["activity_name"], bad["severity"]) == ("Fail", "Create", "High")
    assert good["finding_info"]["uid"] == bad["finding_info"]["uid"]


def test_the_report_shows_the_score_what_turned_and_what_could_not_be_judged(published: Path, tmp_path: Path) -> None:
    page = render(published / "warehouse" / "nowguard.duckdb", tmp_path / "r.html").read_text(encoding="utf-8")

    assert "Posture" in page
    assert "script_request_authorization_enabled" in page
    assert "compliant to not_compliant" in page
    assert "to grant: <code>sys_plugins: read, v_plugin: read" in page


def test_an_exception_is_granted_listed_and_lifted(run: Run) -> None:
    until = str(utc_now().date() + timedelta(days=30))
    words = ("--owner", "ann", "--reason", "vendor fix in May", "--until", until)

    assert run("except", "mfa_enabled", *words).exit_code == 0
    assert "ann" in run("exceptions").output
    assert run("unexcept", "mfa_enabled").exit_code == 0
    assert "ended" in run("exceptions").output
    assert run("unexcept", "mfa_enabled").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("mfa_enable", "--owner", "ann", "--reason", "r", "--until", "2026-12-31"),
        ("mfa_enabled", "--owner", " ", "--reason", "r", "--until", "2026-12-31"),
        ("mfa_enabled", "--owner", "ann", "--reason", "r", "--until", "2020-01-01"),
        ("mfa_enabled", "--owner", "ann", "--reason", "r", "--until", "2999-01-01"),
    ],
)
def test_an_exception_needs_a_recommendation_an_owner_and_an_end(run: Run, words: tuple[str, ...]) -> None:
    assert run("except", *words).exit_code == 2
