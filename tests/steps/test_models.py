"""Training, the registry and nightly scores over profiles made by hand: who scores a day, and that a rerun gives the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner, Result

from models.registry import catalogue
from pipelines.alerts import Triage
from pipelines.cli import model as command
from pipelines.cli.context import Invocation
from pipelines.contracts import contract
from pipelines.errors import StorageError, UsageError
from pipelines.lake import Lake, Lease
from pipelines.settings import Settings
from pipelines.state_store import StateStore
from pipelines.steps import Logged, open_night
from pipelines.steps.detect import _learning
from pipelines.steps.model_store import ModelStore
from pipelines.steps.night import Night
from pipelines.steps.score import SCORE, score
from pipelines.steps.train import excluded, train, train_model
from tests.alerts.rows import detection

INSTANCE, MODEL = "acme", "user_day"
FIRST, PEOPLE, DAYS = date(2026, 10, 1), 40, 24
LEARNED = FIRST + timedelta(days=16)
LAST = FIRST + timedelta(days=DAYS - 1)
PROFILE = contract("feat__user_day_profile")


def settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, instance_name=INSTANCE, instance_url="http://localhost", threads=1)


@contextmanager
def opened(folder: Path, last: date = LAST) -> Iterator[tuple[Night, Lease]]:
    night = open_night(settings(folder), last, last, Logged())
    with night.lease() as lease:
        yield night, lease
    night.store.close()


def profiles(day: date) -> pa.Table:
    """Forty people; on the last day `u3` takes what nobody took before."""
    draw = np.random.default_rng(day.toordinal())
    schema, features = PROFILE.arrow_schema(), set(catalogue()[MODEL].features)
    columns: dict[str, Any] = {
        "instance": [INSTANCE] * PEOPLE,
        "event_date": [day] * PEOPLE,
        "user_uid": [f"u{n}" for n in range(PEOPLE)],
        "user_name": [f"name{n}" for n in range(PEOPLE)],
        "department": ["d1"] * PEOPLE,
        "account_kind": ["employee"] * PEOPLE,
        "known_days": [20] * PEOPLE,
    }
    for field in schema:
        if field.name not in columns:
            columns[field.name] = np.round(
                draw.exponential(0.4, PEOPLE) if field.name in features else np.zeros(PEOPLE), 3
            )
            if day == LAST and field.name in ("files_over_own", "records_over_own", "new_tables"):
                columns[field.name][3] = 15.0
    return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with profiles of 24 days and a model trained on the first 17, once for all tests that only read."""
    folder: Path = tmp_path_factory.mktemp("models")
    land(folder)
    with opened(folder, LEARNED) as (night, lease):
        train(night, lease)
    with opened(folder) as (night, lease):
        score(night, lease)
    return folder


def land(folder: Path, days: int = DAYS) -> None:
    log = contract("raw_servicenow__sysevent")
    store = StateStore(settings(folder).state_file)
    lake = Lake(folder, store)
    with lake.acquire(INSTANCE, None, owner="test", ttl=timedelta(minutes=1)) as lease:
        for n in range(days):
            day = FIRST + timedelta(days=n)
            row = {"instance": INSTANCE, "event_date": day, "sys_id": f"e{n}", "sys_created_on": f"{day} 08:00:00"}
            one = pa.Table.from_pylist([{name: row.get(name) for name in log.columns}], schema=log.arrow_schema())
            lake.replace(lease, log, INSTANCE, day, one)
            lake.replace(lease, PROFILE, INSTANCE, day, profiles(day))
    store.close()


def scores(night: Night, day: date) -> list[dict[str, Any]]:
    with night.lake.connect() as con:
        night.lake.view(con, contract(SCORE), night.instance, [day], name="s")
        found: list[dict[str, Any]] = con.sql("FROM s").to_arrow_table().to_pylist()
        return found


def test_before_any_training_days_are_looked_at_and_the_model_policies_are_learning(tmp_path: Path) -> None:
    from pipelines.policies.registry import catalogue as policies

    land(tmp_path, 2)
    with opened(tmp_path) as (night, lease):
        said = score(night, lease)
        found = _learning(night, FIRST, policies())

        assert night.lake.partition(contract(SCORE), INSTANCE, FIRST).rows == 0  # type: ignore[union-attr]  # just written
        assert "nowguard model train" in said[0].message
        assert [(id_, f.state) for id_, f in found.items()] == [("unusual_user_day", "learning")]
        assert score(night, lease) == []


def test_the_first_model_becomes_champion_by_the_rule_and_scores_only_days_that_it_did_not_learn(landed: Path) -> None:
    with opened(landed) as (night, _):
        registry = ModelStore(landed, INSTANCE).registry(MODEL)

        assert registry.champion is not None
        assert registry.promotions[0].decided_by == "rule"
        assert registry.champion.trained_to == LEARNED
        assert scores(night, LEARNED) == []
        later = scores(night, LEARNED + timedelta(days=1))
        assert (len(later), {row["model_revision"] for row in later}) == (PEOPLE, {registry.champion.revision})


def test_the_planted_day_is_the_strangest_and_is_explained(landed: Path) -> None:
    with opened(landed) as (night, _):
        rows = sorted(scores(night, LAST), key=lambda row: -row["risk_score"])
        table = contract("out__model_attribution")
        with night.lake.connect() as con:
            night.lake.view(con, table, INSTANCE, [LAST], name="a")
            told = con.sql("SELECT feature, contribution, expected_depth FROM a WHERE user_uid = 'u3'").fetchall()

    assert (rows[0]["user_uid"], rows[0]["strange_days_7d"] >= 1, rows[0]["user_name"]) == ("u3", True, "name3")
    assert len(told) == len(catalogue()[MODEL].features)
    assert {f for f, _, _ in sorted(told, key=lambda t: t[1])[:3]} == {
        "files_over_own",
        "records_over_own",
        "new_tables",
    }
    assert sum(c for _, c, _ in told) == pytest.approx(rows[0]["depth"] - told[0][2], abs=1e-6)


def test_a_rerun_keeps_the_recorded_revision_and_gives_the_same_bytes(landed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(landed, folder)
    tables = [contract(name) for name in (SCORE, "out__model_attribution", "out__model_drift")]
    with opened(folder) as (night, lease):
        before = [held(night, table) for table in tables]
        first = scores(night, LAST)[0]["model_revision"]
        other = train_model(night, lease, MODEL, promote=False, refresh=True).revision
        store = ModelStore(folder, INSTANCE)
        store.promote(MODEL, other.revision, decided_by="ann", reason="a test")
        forget(night, lease)

        again = score(night, lease)

        after = [held(night, table) for table in tables]
        revisions = {row["model_revision"] for row in scores(night, LAST)}

    assert {row.day for row in again} == set(days())
    assert (before, revisions) == (after, {first})
    assert store.registry(MODEL).champion_for(LAST + timedelta(days=1)) == other


def held(night: Night, table: Any) -> list[str]:
    return [part.content_hash for day in days() if (part := night.lake.partition(table, INSTANCE, day))]


def days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(DAYS)]


def forget(night: Night, lease: Lease) -> None:
    """Forget which profiles the scores were made from, so that every day is made again; rows and record stay."""
    table = contract(SCORE)
    for day in days():
        part = night.lake.partition(table, INSTANCE, day)
        rows = pa.Table.from_pylist(scores(night, day), schema=table.arrow_schema())
        night.lake.replace(lease, table, INSTANCE, day, rows, inputs="forgotten" + part.inputs[16:])  # type: ignore[union-attr]  # scored before


def test_alerted_and_explained_days_are_not_learned_unless_a_person_closed_them_as_harmless(tmp_path: Path) -> None:
    land(tmp_path, 2)
    at = datetime.combine(FIRST, datetime.min.time()).isoformat(sep=" ")
    rows = [
        detection("a", at, instance=INSTANCE, actor_user_uid="u1", actor_user_uids=["u1"], until=f"{FIRST + timedelta(days=1)} 01:00:00"),
        detection("b", at, instance=INSTANCE, actor_user_uid="u2", actor_user_uids=["u2"]),
        detection("c", at, instance=INSTANCE, actor_user_uid="u3", actor_user_uids=["u3"], suppressed_by="user: usual"),
    ]  # fmt: skip
    table = contract("out__detection")
    with opened(tmp_path) as (night, lease):
        for day in {row["event_date"] for row in rows}:
            part = [{c: row.get(c) for c in table.columns} for row in rows if row["event_date"] == day]
            night.lake.replace(lease, table, INSTANCE, day, pa.Table.from_pylist(part, schema=table.arrow_schema()))
        all_left_out = excluded(night, days()[:2])
        triage = Triage(night.store)
        uid = uid_of(night, "u2")
        triage.close(
            {**rows[1], "alert_uid": uid}, "benign", "confirmed_with_user", author="ann", now=datetime(2026, 10, 3)
        )
        without = excluded(night, days()[:2])

    both = [(FIRST, "u1"), (FIRST, "u2"), (FIRST, "u3"), (FIRST + timedelta(days=1), "u1")]
    assert sorted(zip(*(all_left_out[c].to_pylist() for c in ("event_date", "user_uid")), strict=True)) == both
    assert sorted(zip(*(without[c].to_pylist() for c in ("event_date", "user_uid")), strict=True)) == [
        pair for pair in both if pair[1] != "u2"
    ]


def uid_of(night: Night, user: str) -> str:
    from pipelines import alerts
    from pipelines.contracts.table import empty

    with night.lake.connect() as con:
        night.lake.view(con, contract("out__detection"), INSTANCE, days()[:2], name="d")
        folded = alerts.fold(con, con.sql("FROM d"), empty(contract("out__detection_evidence")))
    return next(str(row["alert_uid"]) for row in folded.alerts.to_pylist() if row["actor_user_uid"] == user)


def test_a_changed_artefact_is_refused_with_what_to_do(landed: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(landed / "models", copied / "models")
    store = ModelStore(copied, INSTANCE)
    champion = store.registry(MODEL).champion
    assert champion is not None
    array = next((copied / "models" / INSTANCE / MODEL / champion.revision).glob("*.npz"))
    body = bytearray(array.read_bytes())
    body[len(body) // 2] ^= 1
    array.write_bytes(bytes(body))

    with pytest.raises(StorageError) as raised:
        store.fitted(MODEL, champion.revision)
    assert raised.value.remedy


def test_too_few_days_are_said_and_stop_nothing(tmp_path: Path) -> None:
    land(tmp_path, 3)
    with opened(tmp_path) as (night, lease):
        with pytest.raises(UsageError, match="are too few to train"):
            train_model(night, lease, MODEL)
        assert [row.state for row in train(night, lease)] == ["failed"] * len(catalogue())


def run(folder: Path, *arguments: str) -> Result:
    app = typer.Typer()
    app.add_typer(command.app, name="model")

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = Invocation({"data_dir": folder, "instance_name": INSTANCE, "instance_url": "http://localhost"})

    return CliRunner().invoke(app, ["model", *arguments])


def test_the_command_lists_shows_trains_and_promotes(landed: Path) -> None:
    listed = json.loads(run(landed, "list", "--json").stdout)[0]
    trained = json.loads(run(landed, "train", "--to", str(LAST), "--no-promote", "--json").stdout)[0]
    shown = json.loads(run(landed, "show", MODEL, "--json").stdout)
    promoted = run(landed, "promote", MODEL, trained["revision"][:8], "--reason", "a test", "--by", "ann", "--json")
    described = json.loads(run(landed, "show", MODEL, trained["revision"], "--json").stdout)
    back = run(landed, "promote", MODEL, listed["champion"], "--reason", "back", "--json")

    assert (listed["model"], listed["revisions"], trained["role"] in ("challenger", "rejected")) == (MODEL, 1, True)
    assert {r["revision"] for r in shown["revisions"]} == {listed["champion"], trained["revision"]}
    assert json.loads(promoted.stdout)["champion"] == trained["revision"]
    assert (described["role"], described["promoted_by"], described["reason"]) == ("champion", "ann", "a test")
    assert json.loads(back.stdout)["champion"] == listed["champion"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "user_dya"), "did you mean user_day?"),
        (("show", MODEL, "ffff"), "no revision of user_day is called 'ffff'"),
        (("promote", MODEL, "ffff", "--reason", "x"), "nowguard model show user_day"),
        (("promote", MODEL, "ffff", "--reason", " "), "needs a reason"),
        (("train", "--model", "nothing"), "there is no model nothing"),
        (("train", "--to", "yesterday"), "YYYY-MM-DD"),
    ],
)
def test_a_mistake_is_met_with_its_remedy_and_exit_code_two(
    landed: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run(landed, *arguments)

    assert result.exit_code == 2
    assert said in result.output
