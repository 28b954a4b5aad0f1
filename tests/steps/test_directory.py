"""The identity provider through the night: landed, carried on by changes, matched; and never a reason for a night to fail."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from pipelines.cli import connection, root
from pipelines.cli.progress import Silent
from pipelines.contracts import contract
from pipelines.emulator.entra.directory import object_id
from pipelines.emulator.organisation import World
from pipelines.emulator.organisation.world import Change
from pipelines.emulator.server import RunningEmulator
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.state_store import StateStore
from pipelines.steps import run_night
from pipelines.steps.directory import entra_connection, identity_check
from tests.steps.conftest import few_policies, first_night, morning_after, nights, settings_for

pytestmark = pytest.mark.slow

SOME = ("extract", "conform", "features")


@pytest.fixture
def settings(instance: RunningEmulator, tmp_path: Path) -> Settings:
    return with_entra(instance, tmp_path)


def with_entra(instance: RunningEmulator, folder: Path, **more: Any) -> Settings:
    info = instance.info()
    given = {
        name: info[name]
        for name in ("entra_tenant_id", "entra_client_id", "entra_client_secret", "entra_authority", "graph_url")
    }
    one = few_policies(folder / "policies", kept=["terminated_user_activity"])
    short = {"back_fill_days": 1, "look_back_days": 1, "policies_dir": one}
    return settings_for(instance, folder / "data", **{**given, **short, **more})


def run(instance: RunningEmulator, settings: Settings, day: date, steps: tuple[str, ...] = ("extract",)) -> None:
    if instance.control.now() < morning_after(day):
        instance.control.set_now(morning_after(day))
    run_night(settings, day, day, progress=Silent(), steps=steps)


def rows(settings: Settings, table: str, day: date) -> list[dict[str, Any]]:
    lake = Lake(settings.data_dir, StateStore(settings.state_file))
    files = lake.files(contract(table), settings.instance, [day])
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def states(settings: Settings, day: date) -> dict[str, dict[str, Any]]:
    return {row["table"]: row for row in rows(settings, "out__table_state", day)}


def graph_paths(instance: RunningEmulator) -> list[str]:
    return [row["path"] for row in instance.entra.log if row["path"].startswith("/v1.0")]


def test_a_night_lands_the_directory_and_the_next_one_its_changes(
    world: World, instance: RunningEmulator, settings: Settings
) -> None:
    first, second = nights()[:2]
    run(instance, settings, first, SOME)
    people = rows(settings, "raw_entra__user", first)
    assert len(people) >= 35
    matched = {row["match_state"] for row in rows(settings, "core__identity", first)}
    assert "matched" in matched

    who = next(change.sys_id for change in world.directory)
    at = morning_after(first) + timedelta(hours=8)
    instance.entra.directory.script([Change(at, "users", who, {"accountEnabled": "false"})])
    instance.entra.log.clear()
    run(instance, settings, second, SOME)

    assert "/v1.0/users" not in graph_paths(instance)
    off = {row["directory_id"] for row in rows(settings, "raw_entra__user", second) if not row["account_enabled"]}
    assert object_id(who) in off
    ended = {row["user_uid"]: row for row in rows(settings, "state__departure", second)}
    assert ended[who]["disabled_since"] == morning_after(second).replace(minute=0) + timedelta(hours=1)
    assert states(settings, second)["entra_user"]["state"] == "ok"

    run(instance, settings, second, ("posture",))

    said = {row["user_uid"]: row["is_leaver"] for row in rows(settings, "out__access", second)}
    assert said[who] is True
    assert False in said.values()


def test_a_day_run_again_much_later_keeps_the_snapshot_of_its_own_morning(
    instance: RunningEmulator, settings: Settings
) -> None:
    first = first_night()
    run(instance, settings, first)
    before = rows(settings, "raw_entra__user", first)
    instance.control.set_now(morning_after(first) + timedelta(days=3))

    run(instance, settings, first)

    assert rows(settings, "raw_entra__user", first) == before


def test_denied_unreachable_or_half_configured_is_said_and_the_night_goes_on(
    instance: RunningEmulator, settings: Settings, tmp_path: Path
) -> None:
    first, second, third = nights()
    instance.entra.tokens.roles.clear()
    run(instance, settings, first)
    assert states(settings, first)["entra_user"]["state"] == "denied"
    assert "Authorization_RequestDenied" in states(settings, first)["entra_user"]["reason"]
    assert states(settings, first)["sysevent"]["state"] == "ok"

    run(instance, with_entra(instance, tmp_path, entra_client_secret="wrong"), second)
    assert "AADSTS7000215" in states(settings, second)["entra_deleted_user"]["reason"]

    half = with_entra(instance, tmp_path, entra_client_id="")
    run(instance, half, third)
    assert states(settings, third)["entra_user"]["reason"] == "NOWGUARD_ENTRA_CLIENT_ID is not set"
    assert "NOWGUARD_ENTRA_CLIENT_ID is not set" in identity_check(half).verdict


def test_without_settings_nothing_is_asked_and_nothing_is_said_of_it(instance: RunningEmulator, tmp_path: Path) -> None:
    settings = settings_for(instance, tmp_path / "data")

    run(instance, settings, first_night(), ("extract", "conform"))

    assert instance.entra.log == []
    assert not {name for name in states(settings, first_night()) if name.startswith("entra")}
    assert rows(settings, "core__identity", first_night()) == []
    assert identity_check(settings).state == "absent"


def test_a_private_authority_vouches_only_for_addresses_that_we_were_told_of(tmp_path: Path) -> None:
    three = {
        "entra_tenant_id": "t",
        "entra_client_id": "c",
        "entra_client_secret": "s",
        "ca_bundle": tmp_path / "ca.pem",
    }

    microsoft = entra_connection(Settings(**three))
    ours = entra_connection(Settings(**three, graph_url="https://localhost:9/v1.0/"))

    assert microsoft is not None
    assert ours is not None
    assert (microsoft.ca_bundle, ours.ca_bundle) == (None, tmp_path / "ca.pem")
    assert (microsoft.scope, ours.graph_url) == ("https://graph.microsoft.com/.default", "https://localhost:9/v1.0")
    assert "'s'" not in repr(microsoft)


def test_check_says_that_the_identity_provider_is_connected(
    instance: RunningEmulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.callback()(root)
    connection.register(app)
    info = instance.info()
    given = {"INSTANCE_URL": "url", "USERNAME": "username", "PASSWORD": "password", "CLIENT_ID": "client_id", "CLIENT_SECRET": "client_secret",
             "ENTRA_TENANT_ID": "entra_tenant_id", "ENTRA_CLIENT_ID": "entra_client_id", "ENTRA_CLIENT_SECRET": "entra_client_secret",
             "ENTRA_AUTHORITY": "entra_authority", "GRAPH_URL": "graph_url"}  # fmt: skip
    for name, key in given.items():
        monkeypatch.setenv(f"NOWGUARD_{name}", info[key])
    monkeypatch.setenv("NOWGUARD_DATA_DIR", str(settings.data_dir))

    said = CliRunner().invoke(app, ["check"])

    assert said.exit_code == 0, said.output
    assert "Entra ID is connected" in said.output
    assert "User-LifeCycleInfo.Read.All" in said.output
    assert info["entra_client_secret"] not in said.output


def test_an_unsafe_address_is_refused() -> None:
    for name in ("graph_url", "entra_authority"):
        with pytest.raises(ValueError, match="plain http only on loopback"):
            Settings(**{name: "http://graph.example/v1.0"})
        with pytest.raises(ValueError, match="credentials"):
            Settings(**{name: "https://a:b@graph.example/v1.0"})


def test_somebody_disabled_there_and_active_here_is_reported(
    world: World, instance: RunningEmulator, settings: Settings
) -> None:
    """Through the whole night: disabled on the first day, at work on the second all the same."""
    first, second = nights()[:2]
    instance.control.set_now(morning_after(first))
    busy = _busiest(world, second)
    instance.entra.directory.script(
        [Change(datetime.combine(first, datetime.min.time()), "users", busy, {"accountEnabled": "false"})]
    )
    for day in (first, second):
        run(instance, settings, day, ("extract", "conform", "features", "detect", "publish"))

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        found = con.execute(
            "SELECT actor_user_uid, title FROM mart.alerts WHERE policy_id = 'terminated_user_activity' AND actor_user_uid = ?",
            [busy],
        ).fetchall()
        said = con.execute(
            "SELECT state, reason FROM mart.coverage WHERE policy_id = 'terminated_user_activity' AND event_date = ?",
            [second],
        ).fetchall()
    assert len(found) == 1
    assert "while disabled at the identity provider" in found[0][1]
    assert not any("identity provider" in str(reason) for _, reason in said)


def _busiest(world: World, day: date) -> str:
    """The person with the most page views on a day."""
    requests = world.tables["syslog_transaction"]
    names = requests.filter(requests["sys_created_on"].str.starts_with(str(day)))["sys_created_by"].to_list()
    people = {row["user_name"]: row["sys_id"] for row in world.tables["sys_user"].to_dicts() if row["title"]}
    return people[max((name for name in names if name in people), key=names.count)]
