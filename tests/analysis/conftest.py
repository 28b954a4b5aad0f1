"""A small published warehouse: two people, a few alerts with evidence, and what a model said of their days."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.alerts import Triage, publishable
from pipelines.analysis import Warehouse, open_warehouse
from pipelines.contracts import contract
from pipelines.lake import Lake, Runs, publish
from pipelines.state_store import StateStore
from tests.alerts.rows import INSTANCE, detection, detections, evidence, user

DAYS = [date(2026, 10, 28) + timedelta(days=n) for n in range(6)]
HOSTILE = "<img src=x onerror=alert(1)>\u202e$\\frac{x$"
MODEL = "user_day_forest"


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


def scored(user_uid: str, name: str, day: date, risk: float) -> dict[str, Any]:
    return {"event_date": day, "model_id": MODEL, "model_revision": "r1", "user_uid": user_uid, "user_name": name, "peer_group": "*", "raw_score": risk / 50,
            "risk_score": risk, "percentile": risk, "is_in_budget": risk > 90}  # fmt: skip


def attributed(day: date, feature: str, value: float, contribution: float) -> dict[str, Any]:
    return {"event_date": day, "model_id": MODEL, "model_revision": "r1", "user_uid": "u1", "feature": feature, "value": value, "baseline": 1.0,
            "contribution": contribution}  # fmt: skip


def drifted(day: date, feature: str, psi: float) -> dict[str, Any]:
    state = "stable" if psi < 0.1 else "shifting" if psi < 0.25 else "drifted"
    return {
        "event_date": day,
        "model_id": MODEL,
        "model_revision": "r1",
        "feature": feature,
        "psi": psi,
        "state": state,
        "user_days": 14,
    }


SCORES = [
    scored(*who, day, 10.0 + 5 * i)
    for i, day in enumerate(DAYS)
    for who in (("u1", "ann"), ("u2", "bea"))
    if day != DAYS[4]
]
SCORES += [scored("u1", "ann", DAYS[4], 96.0), scored("u2", "bea", DAYS[4], 30.0)]
ATTRIBUTIONS = [
    attributed(DAYS[4], "files_taken", 40.0, 0.9),
    attributed(DAYS[4], "country_rarity", 6.5, 0.5),
    attributed(DAYS[4], "logins", 1.0, -0.1),
]
DRIFT = [
    drifted(day, name, psi)
    for day in DAYS[4:]
    for name, psi in (("files_taken", 0.31), ("country_rarity", 0.12), ("logins", 0.02))
]
MODELS = [
    {"instance": INSTANCE, "event_date": DAYS[3], "model_id": MODEL, "model_revision": "r1", "role": "champion", "trained_from": DAYS[0],
     "trained_to": DAYS[3], "user_days": 400, "excluded_user_days": 3, "peer_groups": ["*"], "decided_by": "rule", "reason": "first of its kind"}
]  # fmt: skip


def rows_of(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = contract(name).arrow_schema()
    return pa.Table.from_pylist([{"instance": INSTANCE, **row} for row in rows], schema=schema)


def make(folder: Path, **models: list[dict[str, Any]]) -> Path:
    """Publish into `folder`; `models` are rows of `out__model_*` tables by the last part of their name."""
    lake = Lake(folder, StateStore(folder / "state" / "nowguard.sqlite"))
    stored = {"core__activity": ACTIVITIES, "core__user": [user("u1", user_name="ann"), user("u2", user_name="bea")],
              "out__coverage": [{"event_date": DAYS[-1], "policy_id": "impossible_travel", "state": "active", "reason": ""}],
              **{f"out__model_{name}": rows for name, rows in models.items() if name != "registry"}}  # fmt: skip
    with lake.acquire(INSTANCE, None, owner="run", ttl=timedelta(minutes=2)) as lease:
        for name, rows in stored.items():
            for day in sorted({row["event_date"] for row in rows}):
                part = [row for row in rows if row["event_date"] == day]
                lake.replace(lease, contract(name), INSTANCE, day, rows_of(name, part))
        proof = evidence(("a", "e1", "2026-11-01 10:00:00"))
        now = datetime.fromisoformat("2026-11-03 06:00:00")
        frames = publishable(duckdb.connect(), detections(*DETECTIONS), proof, Triage(lake.store), now=now)
        if "registry" in models:
            frames = {**frames, "models": rows_of("out__model", models["registry"])}
        publish(lake, frames, runs=Runs(lake.store).all())
    lake.store.close()
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(
        tmp_path_factory.mktemp("published"), score=SCORES, attribution=ATTRIBUTIONS, drift=DRIFT, registry=MODELS
    )


@pytest.fixture(scope="session")
def house(published: Path) -> Warehouse:
    """To read only."""
    return open_warehouse(published)


@pytest.fixture
def own_house(published: Path, tmp_path: Path) -> Warehouse:
    """To decide in."""
    return open_warehouse(shutil.copytree(published, tmp_path / "data"))
