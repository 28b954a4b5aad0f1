"""The posture of an emulated instance: read with least rights, judged, published, and honest about what it could not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.cli.progress import Silent
from pipelines.contracts import all_sources, sources
from pipelines.contracts.counts import QUESTIONS
from pipelines.emulator.organisation import World
from pipelines.emulator.server import RunningEmulator, start
from pipelines.posture.exposed import EXPOSING
from pipelines.posture.gate import GATES
from pipelines.posture.registry import controls, reads
from pipelines.settings import Settings
from pipelines.sources.servicenow import check
from pipelines.steps import run_night
from pipelines.steps.extract import connection_of
from tests.steps.conftest import first_night, morning_after, nights, settings_for

DENIED, MISSING = "ip_access", "multi_factor_criteria"
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Story:
    """The same instance on its first and its last day, once more, and without some of its tables."""

    first: Rows
    last: Rows
    again: Rows
    blocked: Rows
    turned: Rows
    score: dict[str, Any]
    tables: dict[str, str]
    access: list[dict[str, Any]]
    exposed: list[dict[str, Any]]


@pytest.fixture(scope="module")
def running(world: World) -> Iterator[RunningEmulator]:
    with start(world, now=morning_after(first_night())) as server:
        yield server


@pytest.fixture(scope="module")
def story(running: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Story:
    settings = settings_for(running, tmp_path_factory.mktemp("posture"))
    begin, end = nights()[0], nights()[-1]
    snapshot(running, settings, begin)
    first = rows_of(settings, "posture", begin)
    snapshot(running, settings, end)
    last, turned = rows_of(settings, "posture", end), rows_of(settings, "posture_changes", end)
    (score,) = rows_of(settings, "posture_score", end, key="instance").values()
    snapshot(running, settings, end)
    again, held, reached = (
        rows_of(settings, "posture", end),
        all_of(settings, "access"),
        all_of(settings, "exposed_resources"),
    )
    running.control.deny_table(DENIED)
    running.control.drop_table(MISSING)
    snapshot(running, settings, end)
    running.control.allow_table(DENIED)
    return Story(
        first, last, again, rows_of(settings, "posture", end), turned, score, read_states(settings, end), held, reached
    )


def snapshot(running: RunningEmulator, settings: Settings, day: date) -> None:
    if running.control.now() < morning_after(day):
        running.control.set_now(morning_after(day))
    run_night(settings, day, day, progress=Silent(), steps=("posture", "publish"))


def rows_of(settings: Settings, view: str, day: date, key: str = "control_id") -> Rows:
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        found = con.sql(f"SELECT * FROM mart.{view} WHERE event_date = '{day}'").to_arrow_table().to_pylist()
    return {row[key]: row for row in found}


def all_of(settings: Settings, view: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        found: list[dict[str, Any]] = con.sql(f"SELECT * FROM mart.{view}").to_arrow_table().to_pylist()
    return found


def read_states(settings: Settings, day: date) -> dict[str, str]:
    """ServiceNow table -> how it could be read, from the lake."""
    files = next(p for p in settings.data_dir.rglob("raw_servicenow__posture_table") if p.is_dir())
    with duckdb.connect() as con:
        found = con.execute(
            f"SELECT \"table\", state FROM read_parquet('{files}/**/*.parquet') WHERE event_date = ? ", [day]
        ).fetchall()
    return dict(found)


def test_every_recommendation_is_published_with_a_state(story: Story) -> None:
    assert story.first.keys() == story.last.keys() == controls().keys()
    counted = sum(story.score[state] for state in ("compliant", "not_compliant", "unknown", "not_applicable"))
    assert counted == len(controls())
    assert 0 < story.score["score"] < 100


def test_settings_are_judged_as_they_are_set(story: Story, world: World) -> None:
    rows = {row["sys_id"]: row for row in world.tables["sys_properties"].to_dicts()}
    for change in world.changes:
        if change.table == "sys_properties" and change.at <= morning_after(nights()[0]):
            rows[change.sys_id] |= change.values or {}
    held = {row["name"]: row["value"] for row in rows.values()}

    for control_id, name in (("impersonation_logged", "glide.sys.log_impersonation"), ("rss_requests_authenticated", "glide.basicauth.required.rss"),
                             ("csv_requests_authenticated", "glide.basicauth.required.csv")):  # fmt: skip
        expected = "compliant" if held.get(name, "false") == "true" else "not_compliant"
        assert story.first[control_id]["state"] == expected, control_id


def test_what_somebody_loosens_turns_and_is_drift(story: Story) -> None:
    assert story.first["failed_logins_lock_out"]["state"] == "compliant"
    assert story.last["failed_logins_lock_out"]["state"] == "not_compliant"
    assert story.last["failed_logins_lock_out"]["since"] == nights()[-1]
    assert {"failed_logins_lock_out", "public_chat_client_disabled"} <= story.turned.keys()
    assert story.turned["failed_logins_lock_out"]["is_drift"]


def test_what_holds_keeps_the_day_since_when(story: Story) -> None:
    unchanged = [id_ for id_, row in story.first.items() if row["state"] == story.last[id_]["state"]]

    assert len(unchanged) > 100
    assert {story.last[id_]["since"] for id_ in unchanged} == {nights()[0]}


def test_the_same_instance_gives_the_same_rows(story: Story) -> None:
    assert story.again == story.last


def test_a_denied_table_makes_exactly_what_rests_on_it_unknown_and_names_the_access(story: Story) -> None:
    now_unknown = {id_ for id_, row in story.blocked.items() if row["state"] == "unknown" != story.last[id_]["state"]}
    resting = {id_ for id_, control in controls().items() if DENIED in control.reads}

    assert story.tables[DENIED] == "denied"
    assert now_unknown <= resting
    assert "ip_access_restricted" in now_unknown
    assert all(f"{DENIED}: read" in story.blocked[id_]["missing_acls"] for id_ in now_unknown)


def test_where_the_table_of_criteria_does_not_exist_the_property_decides(story: Story) -> None:
    assert story.tables[MISSING] == "missing"
    assert story.blocked["mfa_enabled"]["state"] in {"compliant", "not_compliant"}


def test_who_rules_the_instance_is_published_with_the_way_to_it(story: Story) -> None:
    by_how = {row["how"]: row for row in story.access if row["role"]}

    assert {row["event_date"] for row in story.access} == {nights()[-1]}
    assert by_how["direct"]["path"] == [f"role: {by_how['direct']['role']}"]
    assert by_how["group"]["path"][0].startswith("group: ")
    assert by_how["contained"]["path"][-1] == f"role: {by_how['contained']['role']}"
    assert {row["alert_count"] for row in story.access} == {0}


def test_every_finding_about_exposure_is_published_with_its_name_and_its_first_day(story: Story) -> None:
    counted = {row["control_id"]: row["finding_count"] for row in story.last.values() if row["ref"] in EXPOSING}
    listed = Counter(row["control_id"] for row in story.exposed if row["is_certain"])

    assert {id_: listed[id_] for id_, count in counted.items() if count is not None} == {
        id_: count for id_, count in counted.items() if count is not None
    }
    assert {row["event_date"] for row in story.exposed} == {nights()[-1]}
    assert all(row["resource_name"] and row["title"] for row in story.exposed)
    loosened = [row["since"] for row in story.exposed if row["control_id"] == "public_chat_client_disabled"]
    assert loosened == [nights()[-1]]
    assert nights()[0] in {row["since"] for row in story.exposed}


def test_who_became_an_administrator_is_known_from_the_second_night_on(story: Story) -> None:
    first, last = story.first["new_administrators_approved"], story.last["new_administrators_approved"]

    assert first["state"] == "not_applicable"
    assert last["state"] in {"compliant", "not_compliant"}


@pytest.mark.slow
def test_a_blind_night_lists_nobody_and_the_next_is_held_against_the_last_that_could_see(
    running: RunningEmulator, tmp_path: Path
) -> None:
    settings, (first, second, third) = settings_for(running, tmp_path), nights()
    snapshot(running, settings, first)
    seen = len(all_of(settings, "access"))
    running.control.deny_table("sys_user_role_contains")
    snapshot(running, settings, second)
    blind = all_of(settings, "access")
    running.control.allow_table("sys_user_role_contains")
    snapshot(running, settings, third)

    states = [rows_of(settings, "posture", day)["new_administrators_approved"] for day in (second, third)]
    said = [row for row in all_of(settings, "runs") if row["table"] == "out__access" and row["event_date"] == second]
    assert seen
    assert blind == []
    assert {(row["state"], "sys_user_role_contains may not be read" in row["message"]) for row in said} == {
        ("denied", True)
    }
    assert [state["state"] for state in states] == ["unknown", "compliant"]


def test_a_run_that_does_not_read_asks_the_instance_nothing(
    running: RunningEmulator, story: Story, tmp_path: Path
) -> None:
    asked = len(running.control.requests())

    run_night(
        settings_for(running, tmp_path), nights()[-1], nights()[-1], progress=Silent(), steps=("validate", "posture")
    )

    assert story.last
    assert len(running.control.requests()) == asked


def test_no_column_of_the_snapshot_holds_a_secret() -> None:
    named = {f"{t}.{c}" for t, table in sources("posture").items() for c in table.columns}

    forbidden = ("password", "secret", "token", "private_key", "pem", "multifactor_secret")
    suspicious = {c for c in named if any(word in c.partition(".")[2] for word in forbidden)}
    assert suspicious <= {
        "password_policy.min_password_length", "password_policy.max_password_length", "pwd_cred_store.enable_password_policy",
        "pwd_cred_store.password_policy", "oauth_entity.access_token_lifespan", "oauth_entity.refresh_token_lifespan",
    }  # fmt: skip


def test_an_account_with_exactly_the_documented_role_reads_everything(world: World, tmp_path: Path) -> None:
    from pipelines.contracts.docs_access import rights

    with start(world, now=morning_after(nights()[-1])) as server:
        settings = settings_for(server, tmp_path)
        server.control.grant_only(server.info()["username"], {r.table: r.columns for r in rights()})
        snapshot(server, settings, nights()[-1])
        found = rows_of(settings, "posture", nights()[-1])
        report = check(connection_of(settings), tuple(sources().values()), posture=tuple(sources("posture").values()))
        columns = {r.table: set(r.columns) - {"range_start"} for r in rights() if r.table != "sys_certificate"}
        server.control.grant_only(server.info()["username"], columns)
        less = check(connection_of(settings), tuple(sources().values()), posture=tuple(sources("posture").values()))

    assert report.missing_rights == ()
    assert less.missing_rights == ("ip_access.range_start: read", "sys_certificate: read")
    states = read_states(settings, nights()[-1])
    assert {table for table, state in states.items() if state == "denied"} == set()
    assert {acl for row in found.values() for acl in row["missing_acls"]} <= {
        "sys_properties.value: read",  # masked ones
        "sys_user.user_password: read",  # kept from the role on purpose
    }


def test_every_question_asks_a_table_that_the_role_may_read() -> None:
    from pipelines.contracts.docs_access import rights

    named = {right.table for right in rights()}
    assert {question.table for question in QUESTIONS.values()} <= named
    assert reads().keys() - {"posture_count", "posture_access_before"} <= named
    assert all_sources().keys() <= named


def test_gates_name_controls_and_policies_that_exist() -> None:
    from pipelines import policies

    known = policies.load(None).policies
    for gate in GATES:
        assert gate.control_id in controls()
        assert set(gate.policies) <= known.keys()
