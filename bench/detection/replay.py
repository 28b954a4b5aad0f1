"""One organisation through the project's own steps after extraction: conform, features, score, detect, fold.

Models are trained as in production: weekly, from the second week on, on the days so far without what the policies raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.detection.judge import Incident
from bench.detection.land import land
from pipelines.emulator.organisation import World, ip_lists, network_mmdb
from pipelines.lake import Lease
from pipelines.settings import Settings
from pipelines.steps import Logged, open_night, perform
from pipelines.steps import conform as conforming
from pipelines.steps.night import Night
from pipelines.steps.publish import bring_up_to_date

INSTANCE = "bench"
FIRST_TRAINING, WEEK = 14, 7  # days


class Replay(Night):
    """A night whose days begin with the world's: attachments made before are context, not days to judge."""

    def landed_days(self) -> list[date]:
        return [day for day in super().landed_days() if day >= self.options.get("since", self.first)]


@dataclass(frozen=True)
class Replayed:
    """What was published about one organisation, and its truth."""

    seed: int
    humans: int
    days: tuple[date, ...]
    alerts: list[dict[str, Any]]
    behaviors: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    incidents: list[Incident]
    user_risk: list[dict[str, Any]]
    seconds: Mapping[str, float]
    settings: Settings


def replay(world: World, folder: Path, *, sensitivity: str = "medium") -> Replayed:
    """Land `world` in a lake under `folder` and run every step of the night but extraction and validation over it."""
    settings = _settings(world, folder, sensitivity)
    first, last = world.start.date(), world.end.date() - timedelta(days=1)
    night = _night(settings, first, last)
    seconds: dict[str, float] = {}
    with night.lease() as lease:
        started = time.monotonic()
        days = land(world, night.lake, lease, INSTANCE)
        seconds["land"] = time.monotonic() - started
        seconds["conform"] = _conform(night, lease)
        seconds["features"] = perform(night, lease, "features").seconds
        for step in ("score", "detect", "train"):
            seconds[step] = 0.0
        for week in _weeks(night):
            for step in ("score", "detect", "train"):
                seconds[step] += perform(week, lease, step).seconds if step != "train" or week.last < last else 0.0
        seconds["publish"] = bring_up_to_date(settings, night.lake, night.store).seconds
    night.store.close()
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        alerts, behaviors, coverage, risk = (
            _rows(con, view) for view in ("alerts", "behaviors", "coverage", "user_risk")
        )
    incidents = [Incident.of(row) for row in world.truth["incidents"]]
    return Replayed(
        world.seed, humans(world), tuple(days), alerts, behaviors, coverage, incidents, risk, seconds, settings
    )


def rejudge(found: Replayed, policies_dir: Path) -> list[dict[str, Any]]:
    """Alerts over the lake that `replay` left, judged again by the policies as `policies_dir` changes them."""
    settings = found.settings.model_copy(update={"policies_dir": policies_dir})
    night = _night(settings, found.days[0], found.days[-1])
    with night.lease() as lease:
        perform(night, lease, "detect")
        bring_up_to_date(settings, night.lake, night.store)
    night.store.close()
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        return _rows(con, "alerts")


def _settings(world: World, folder: Path, sensitivity: str) -> Settings:
    city, asn = network_mmdb(world, folder / "geo")
    return Settings(
        data_dir=folder / "data",
        instance_name=INSTANCE,
        instance_url="http://localhost",
        username="nowguard.collector",
        geo_db=city,
        asn_db=asn,
        ip_lists=ip_lists(world, folder / "lists"),
        entra_tenant_id="landed",
        sensitivity=sensitivity,
    )


def _night(settings: Settings, first: date, last: date) -> Replay:
    opened = open_night(settings, first, last, Logged())
    return Replay(**{f.name: getattr(opened, f.name) for f in fields(opened)})


def _weeks(night: Replay) -> Iterator[Replay]:
    """The days up to each training, then those after the last one."""
    first = night.first
    ends = [first + timedelta(days=n - 1) for n in range(FIRST_TRAINING, (night.last - first).days + 1, WEEK)]
    for end in [*ends, night.last]:
        yield replace(night, first=first, last=end, options={"since": night.options.get("since", night.first)})
        first = end + timedelta(days=1)


def _conform(night: Night, lease: Lease) -> float:
    """The conform step without its validation, which changes no row and would cost more than all the rest."""
    started = time.monotonic()
    enricher = conforming.enricher_of(night)
    conforming.derive_days(night, lease, [(day, "") for day in night.landed_days()], enricher)
    return time.monotonic() - started


def humans(world: World) -> int:
    """Accounts of people: neither integration nor web-service-only."""
    users = world.tables["sys_user"].to_dicts()
    return sum(
        "true" not in (row.get("internal_integration_user"), row.get("web_service_access_only")) for row in users
    )


def _rows(con: duckdb.DuckDBPyConnection, view: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.sql(f"SELECT * FROM mart.{view}").to_arrow_table().to_pylist()
    return found
