"""A small published warehouse: two people, a few alerts with evidence, and what a model said of their days."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from models.artefact import save
from models.attribution import attribute
from models.drift import drift
from models.registry import catalogue
from models.score import score
from models.train import train
from pipelines.alerts import Triage, publishable
from pipelines.analysis import Warehouse, open_warehouse
from pipelines.contracts import contract
from pipelines.lake import Lake, Runs, publish
from pipelines.state_store import StateStore
from tests.alerts.rows import INSTANCE, detection, detections, evidence, user

DAYS = [date(2026, 10, 28) + timedelta(days=n) for n in range(6)]
HOSTILE = "<img src=x onerror=alert(1)>\u202e$\\frac{x$"
_FEATURES = catalogue()["user_day"].features
STRANGE = {_FEATURES[0]: 9.0, _FEATURES[1]: 6.0, _FEATURES[-1]: 7.0}  # of ann, on the day of her alert


def activity(uid: str, at: str, name: str, **values: Any) -> dict[str, Any]:
    time = datetime.fromisoformat(at)
    row = {"activity_uid": uid, "event_date": time.date(), "time": time, "activity_name": name, "actor_user_uid": "u1", "actor_user_name": "ann",
           "status": "success", "country": "SE", "city": "Stockholm", "is_impersonated": False, "is_own": False, "is_system": False,
           "source_table": "sysevent", "source_uid": uid, "src_ip": "198.51.100.4"}  # fmt: skip
    return row | values


ACTIVITIES = [
    *(activity(f"w{i}", f"{day} 09:00:00", "record_viewed") for i, day in enumerate(DAYS)),
    activity("sysevent:e1", "2026-11-01 10:00:00", "login", country="BR", city=None),
    activity(
        "d1", "2026-11-01 10:05:00", "file_downloaded", country="BR", city=None, resource_name=HOSTILE, bytes=2_000_000
    ),
    activity("b1", "2026-11-01 11:00:00", "configuration_changed", actor_user_uid="u2", actor_user_name="bea"),
]
DETECTIONS = [
    detection("a", "2026-11-01 10:00:00", is_first_for_user=True, is_uncommon_among_peers=True, is_first_in_organisation=False, trait_kind="country",
              trait_value="BR", risk_parts='{"prior": 1.39, "first_for_user": 0.5, "confidence": -0.4}', model_revision="r1",
              priority_parts='{"severity": 25.0, "user_impact": 15.0}', title="ann travelled too fast"),
    detection("b", "2026-11-01 11:00:00", actor_user_uid="u2", actor_user_name="bea", actor_user_uids=["u2"], risk_score=90.0, severity="high"),
    detection("c", "2026-10-29 10:00:00", policy_id="risky_ip_logon", title=HOSTILE, risk_score=20.0),
    detection("s", "2026-10-28 12:00:00", policy_id="unusual_file_downloads", suppressed_by="user: usual_way_out"),
]  # fmt: skip


def profiles() -> pa.Table:
    """Twenty-six days of forty people up to the last of `DAYS`, as `feat__user_day_profile` has them."""
    model, table = catalogue()["user_day"], contract("feat__user_day_profile")
    rng = np.random.default_rng(7)
    days = [DAYS[-1] - timedelta(days=n) for n in reversed(range(26))]
    keys = [(day, f"u{person}") for day in days for person in range(1, 41)]
    columns: dict[str, Any] = {name: np.round(rng.exponential(0.4, len(keys)), 3) for name in model.features}
    for name, value in STRANGE.items():
        columns[name][keys.index((DAYS[4], "u1"))] = value
    columns |= {
        "event_date": [day for day, _ in keys],
        "user_uid": [who for _, who in keys],
        "department": ["d1"] * len(keys),
    }
    names = [*model.key, model.group_by, *model.features]
    return pa.table(
        [columns[name] for name in names], schema=pa.schema([table.arrow_schema().field(name) for name in names])
    )


def judged(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What training up to the first of `DAYS` and scoring the others gives, as rows of `out__model*`; the artefact in its place."""
    frame = pl.DataFrame(profiles())
    fitted = train(
        catalogue()["user_day"],
        frame.filter(pl.col("event_date") <= DAYS[0]).to_arrow(),
        instance=INSTANCE,
        as_of=DAYS[0],
    )
    place = folder / "models" / INSTANCE / "user_day"
    mark = save(fitted, place / "made")
    (place / "made").rename(place / mark[:12])
    stamp = {"model_id": "user_day", "model_revision": mark[:12]}
    later = frame.filter(pl.col("event_date") > DAYS[0])
    scored = pl.DataFrame(score(fitted, later.to_arrow())).rename({"group": "peer_group", "risk": "risk_score"})
    strange = later.join(scored.filter(pl.col("percentile") >= 95), on=["event_date", "user_uid"], how="semi")
    names = {"u1": "ann", "u2": "bea"}
    rows = [
        {**row, **stamp, "user_name": names.get(row["user_uid"], row["user_uid"]), "surprise": 1.0, "surprise_7d": 1.0, "strange_days_7d": 1,
         "is_in_budget": (row["risk_score"] or 0) >= 50} for row in scored.to_dicts()
    ]  # fmt: skip
    moved = [
        {**row, **stamp, "event_date": day, "peer_group": row["group"], "user_days": row["rows"]}
        for day in DAYS[1:]
        for row in drift(fitted, later.filter(pl.col("event_date") == day).to_arrow()).to_pylist()
    ]
    registry = [
        {"event_date": DAYS[0], **stamp, "role": "champion", "trained_from": fitted.first_day, "trained_to": fitted.last_day,
         "user_days": fitted.rows_seen, "excluded_user_days": fitted.rows_excluded, "peer_groups": sorted(fitted.groups), "decided_by": "rule",
         "reason": "the first one"}
    ]  # fmt: skip
    told = [{**row, **stamp} for row in attribute(fitted, strange.to_arrow()).to_pylist()]
    return {"score": rows, "attribution": told, "drift": moved, "registry": registry}


def rows_of(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = contract(name).arrow_schema()
    return pa.Table.from_pylist(
        [{"instance": INSTANCE, **row} for row in rows], schema=schema
    )  # what the schema lacks is dropped


def make(folder: Path, **models: list[dict[str, Any]]) -> Path:
    """Publish into `folder`; `models` are rows of `out__model_*` tables by the last part of their name."""
    lake = Lake(folder, StateStore(folder / "state" / "nowguard.sqlite"))
    stored = {"core__activity": ACTIVITIES, "core__user": [user("u1", user_name="ann"), user("u2", user_name="bea")],
              "out__detection_evidence": evidence(("a", "e1", "2026-11-01 10:00:00")).to_pylist(),
              "out__coverage": [{"event_date": DAYS[-1], "policy_id": "impossible_travel", "state": "active", "reason": ""}],
              **{f"out__model_{name}": rows for name, rows in models.items() if name != "registry"}}  # fmt: skip
    with lake.acquire(INSTANCE, None, owner="run", ttl=timedelta(minutes=2)) as lease:
        for name, rows in stored.items():
            for day in sorted({row["event_date"] for row in rows}):
                part = [row for row in rows if row["event_date"] == day]
                lake.replace(lease, contract(name), INSTANCE, day, rows_of(name, part))
        now = datetime.fromisoformat("2026-11-03 06:00:00")
        frames = publishable(duckdb.connect(), detections(*DETECTIONS), evidence(), Triage(lake.store), now=now)
        if "registry" in models:
            frames = {**frames, "models": rows_of("out__model", models["registry"])}
        publish(lake, lambda: frames, runs=Runs(lake.store).all)
    lake.store.close()
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    return make(folder, **judged(folder))


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """No model has scored here."""
    return open_warehouse(make(tmp_path_factory.mktemp("untrained")))


@pytest.fixture(scope="session")
def house(published: Path) -> Warehouse:
    """To read only."""
    return open_warehouse(published)


@pytest.fixture
def own_house(published: Path, tmp_path: Path) -> Warehouse:
    """To decide in."""
    return open_warehouse(shutil.copytree(published, tmp_path / "data"))
