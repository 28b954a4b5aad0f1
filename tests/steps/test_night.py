"""The whole night over real HTTP: what is published, what a rerun gives, what blindness looks like, what a kill costs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.progress import Silent
from pipelines.contracts.mart import views
from pipelines.emulator.organisation import World
from pipelines.emulator.server import RunningEmulator, start
from pipelines.errors import AccessDenied, Busy, SourceUnavailable
from pipelines.lake import Lake, verify
from pipelines.settings import Settings
from pipelines.state_store import StateStore
from pipelines.steps import run_night
from tests.steps.conftest import Play, few_policies, first_night, morning_after, nights, published, settings_for

pytestmark = pytest.mark.slow

PROMISED = {
    "alerts": "alert_uid instance policy_id policy_kind severity risk_score priority status actor_user_uid actor_user_name actor_user_uids "
    "first_seen last_seen event_date title evidence_count attack_techniques src_ips countries policy_revision model_revision created_at",
    "alert_evidence": "alert_uid source_table source_uid time activity_name summary instance",
    "alert_attributions": "alert_uid feature value baseline contribution instance",
    "user_risk": "actor_user_uid event_date risk_score priority_7d percentile alert_count model_score instance",
    "activities": "activity_uid event_date time activity_name status actor_user_uid actor_user_name is_impersonated src_ip country city asn "
    "ip_categories user_agent resource_type resource_uid resource_name bytes instance",
    "files": "file_uid file_name content_type detected_type size_bytes sha256 table_name record_uid owner_user_uid exposure sensitive_types "
    "scan_status instance",
    "posture": "control_id event_date title category state observed expected severity_score source remediation irreversible instance",
    "posture_changes": "control_id event_date from_state to_state observed instance",
    "posture_score": "event_date score compliant not_compliant unknown instance",
    "coverage": "policy_id event_date state reason instance",
    "actions": "action_uid kind actor_user_uid state requested_by approved_by result time instance",
    "runs": "run_uid event_date step table state rows seconds message instance",
}


@pytest.fixture(scope="module")
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningEmulator, Settings]]:
    """An instance on the morning after three nights, and what they published: once for all tests that only read."""
    with start(world, now=morning_after(first_night())) as running:
        settings = settings_for(running, tmp_path_factory.mktemp("played"))
        for day in nights():
            running.control.set_now(morning_after(day))
            run_night(settings, day, day, progress=Silent())
        yield running, settings


@pytest.fixture
def played(stage: tuple[RunningEmulator, Settings]) -> Settings:
    return stage[1]


def test_every_promised_view_and_column_is_published_with_a_comment(played: Settings) -> None:
    with duckdb.connect(str(played.warehouse), read_only=True) as con:
        found = con.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'mart'"
        ).fetchall()
        commented = con.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'mart' AND comment <> ''"
        ).fetchall()
    columns = {(view, column) for view, column, _ in found}
    assert not [(v, c) for v, cs in PROMISED.items() for c in cs.split() if (v, c) not in columns]
    assert all(comment for _, _, comment in found)
    assert {row[0] for row in commented} == set(views())


def test_the_file_opens_in_older_clients(played: Settings) -> None:
    with duckdb.connect(str(played.warehouse), read_only=True) as con:
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()[0][0]
    assert tags["storage_version"].startswith("v1.4.0")


def test_every_step_of_the_last_run_is_in_the_file_its_own_publish_included(played: Settings) -> None:
    with duckdb.connect(str(played.warehouse), read_only=True) as con:
        steps = con.execute(
            "SELECT list(DISTINCT step) FROM mart.runs WHERE event_date = ? AND state = 'ok' GROUP BY run_uid",
            [nights()[-1]],
        ).fetchall()
    assert {"extract", "validate", "conform", "features", "score", "posture", "detect", "publish"} in [
        set(found[0]) for found in steps
    ]


def test_activities_are_attributed_and_located(played: Settings) -> None:
    with duckdb.connect(str(played.warehouse), read_only=True) as con:
        total, named, located = con.execute(
            "SELECT count(*), count(actor_user_uid), count(country) FROM mart.activities WHERE activity_name = 'login' AND NOT is_own AND NOT is_system"
        ).fetchall()[0]
    assert total > 50
    assert named == total
    assert located > 0.9 * total


def test_what_turned_between_two_nights_is_an_alert_that_names_who_did_it(played: Settings) -> None:
    with duckdb.connect(str(played.warehouse), read_only=True) as con:
        turned = con.execute(
            "SELECT event_date, control_id, rests_on FROM mart.posture_changes WHERE is_drift ORDER BY ALL"
        ).fetchall()
        alerts = con.execute(
            """SELECT a.event_date, unnest(from_json(a.facts->'controls', '["VARCHAR"]')) AS control_id, a.actor_user_name
            FROM mart.alerts a WHERE policy_id = 'posture_drift' ORDER BY ALL"""
        ).fetchall()
        changed = con.execute(
            """SELECT e.event_date, a.actor_user_name, a.resource_name FROM mart.alert_evidence e JOIN mart.activities a USING (activity_uid)
            WHERE e.alert_uid IN (SELECT alert_uid FROM mart.alerts WHERE policy_id = 'posture_drift')"""
        ).fetchall()
        states = con.execute(
            "SELECT state FROM mart.coverage WHERE policy_id = 'posture_drift' ORDER BY event_date"
        ).fetchall()
    told = {(day, control): name for day, control, name in alerts}
    assert turned
    assert told.keys() == {(day, control) for day, control, _ in turned}
    for day, name, setting in changed:
        assert name in {
            told[d, control] for d, control, rests in turned if d == day and f"sys_properties/{setting}" in rests
        }
    assert [state for (state,) in states if state != "blind"][:1] == ["learning"]
    assert states[-1] != ("blind",)


def test_our_own_traffic_is_marked_and_never_alerts(played: Settings) -> None:
    with duckdb.connect(str(played.warehouse), read_only=True) as con:
        own = con.execute("SELECT count(*) FROM mart.activities WHERE is_own").fetchall()[0][0]
        alerted = con.execute(
            "SELECT count(*) FROM mart.alerts WHERE actor_user_name = 'nowguard.collector'"
        ).fetchall()[0][0]
    assert own > 0
    assert alerted == 0


def test_the_lake_is_what_the_ledger_says(played: Settings) -> None:
    found = verify(Lake(played.data_dir, StateStore(played.state_file)))
    assert found.files > 100
    assert found.problems == ()
    assert found.unlisted == 0


def test_a_rerun_gives_the_same_rows(stage: tuple[RunningEmulator, Settings], tmp_path: Path) -> None:
    running, played = stage
    shutil.copytree(played.data_dir, tmp_path / "data", symlinks=True)
    settings = settings_for(running, tmp_path / "data")

    run_night(settings, *nights()[-2:], progress=Silent())

    assert published(settings) == published(played)


def test_a_range_gives_what_its_nights_give(world: World, played: Settings, tmp_path: Path) -> None:
    """One run over three days, and from nothing: state carried night by night loses nothing, late rows included."""
    with start(world, now=morning_after(nights()[-1])) as running:
        settings = settings_for(running, tmp_path)
        run_night(settings, nights()[0], nights()[-1], progress=Silent())
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        con.execute(f"ATTACH '{played.warehouse}' AS nightly (READ_ONLY)")
        rows = "SELECT activity_uid FROM {}mart.activities WHERE NOT is_own AND event_date >= ? AND source_table = 'syslog_transaction'"
        once, twice = (con.execute(rows.format(db), [first_night()]).fetchall() for db in ("", "nightly."))
        raised = [
            con.execute(
                f"SELECT DISTINCT policy_id, actor_user_name FROM {db}mart.alerts WHERE policy_id <> ? ORDER BY ALL",
                ["posture_drift"],  # a range takes the snapshot of its last day only
            ).fetchall()
            for db in ("", "nightly.")
        ]
    assert sorted(once) == sorted(twice)
    assert len(once) > 500
    assert raised[0] == raised[1]


def test_a_denied_table_blinds_aloud_and_the_day_is_published(
    instance: RunningEmulator, tmp_path: Path, play: Play
) -> None:
    settings = settings_for(instance, tmp_path / "data", policies_dir=few_policies(tmp_path / "few"), back_fill_days=1)
    instance.control.deny_table("sysevent", "forbidden")

    play(settings, nights()[:1])

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        states = dict(
            con.execute("SELECT policy_id, state FROM mart.coverage WHERE event_date = ?", [first_night()]).fetchall()
        )
        said = con.execute(
            "SELECT state, reason FROM mart.table_states WHERE \"table\" = 'sysevent' AND event_date = ?",
            [first_night()],
        ).fetchall()
    assert states["multiple_failed_logins"] == "blind"
    assert said[0][0] == "denied"
    assert "403" in said[0][1]


def test_a_missing_column_degrades_and_the_day_is_published(
    instance: RunningEmulator, tmp_path: Path, play: Play
) -> None:
    settings = settings_for(instance, tmp_path / "data", policies_dir=few_policies(tmp_path / "few"), back_fill_days=1)
    instance.control.hide_column("syslog_transaction", "remote_ip")

    play(settings, nights()[:1])

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        missing = con.execute(
            "SELECT missing_columns FROM mart.table_states WHERE \"table\" = 'syslog_transaction'"
        ).fetchall()
        states = {
            row[0]
            for row in con.execute("SELECT state FROM mart.coverage WHERE event_date = ?", [first_night()]).fetchall()
        }
    assert missing[0][0] == ["remote_ip"]
    assert states & {"degraded", "blind"}


def test_a_second_run_of_the_same_instance_is_told_to_wait(instance: RunningEmulator, settings: Settings) -> None:
    from datetime import timedelta

    lake = Lake(settings.data_dir, StateStore(settings.state_file))
    with lake.acquire(settings.instance, None, owner="another", ttl=timedelta(minutes=5)), pytest.raises(Busy):
        run_night(settings, first_night(), first_night(), progress=Silent())


def test_a_wrong_secret_is_tried_no_more_than_twice(instance: RunningEmulator, tmp_path: Path) -> None:
    settings = settings_for(instance, tmp_path, client_secret="wrong-canary")

    with pytest.raises(AccessDenied) as caught:
        run_night(settings, first_night(), first_night(), progress=Silent())

    assert sum(r["path"] == "/oauth_token.do" for r in instance.control.requests()) <= 2
    assert "wrong-canary" not in str(caught.value)


def test_a_sleeping_instance_is_named_and_nothing_is_published(instance: RunningEmulator, settings: Settings) -> None:
    instance.control.add_fault("hibernating", path="/api/now", times=10_000)

    with pytest.raises(SourceUnavailable, match="hibernat"):
        run_night(settings, first_night(), first_night(), progress=Silent())

    assert not settings.warehouse.exists()
