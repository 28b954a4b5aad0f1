"""The shell around the pure middle: each step opens, calls, writes, reports. Same functions for Airflow and the CLI."""

from __future__ import annotations

import importlib
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import date
from typing import Any

from pipelines.errors import NowguardError, UsageError
from pipelines.lake import Lake, Lease, Runs
from pipelines.settings import Settings, load
from pipelines.state_store import StateStore
from pipelines.steps.night import Night, Reporting, StepReport, StepRow, log, require_instance, timed

#: In order. Each reads the layer before it and replaces whole partitions.
STEPS = ("extract", "validate", "conform", "features", "score", "posture", "detect", "publish")
#: Steps of another schedule, with the same shape: `train` fits the anomaly models.
BESIDE = ("train",)

Step = Callable[[Night, Lease], list[StepRow]]


def step_named(name: str) -> Step:
    """The function of a step; its module is imported now, because Great Expectations and Ibis are slow to import."""
    if name not in (*STEPS, *BESIDE):
        raise UsageError(f"there is no step {name!r}", remedy=f"choose one of {', '.join(STEPS)}")
    found: Step = getattr(importlib.import_module(f"pipelines.steps.{name}"), name)
    return found


def open_night(
    settings: Settings, first: date, last: date, progress: Reporting, *, run_uid: str = "", **options: Any
) -> Night:
    """Open the lake of `settings` for one run; checks the data directory before anything is asked of the instance."""
    require_instance(settings)
    if last < first:
        raise UsageError(f"--to {last} lies before --from {first}", remedy="swap the two days")
    store = StateStore(settings.state_file)
    lake = Lake(settings.data_dir, store)
    return Night(settings, lake, store, Runs(store), run_uid or uuid.uuid4().hex, first, last, progress, options)


def run_night(
    settings: Settings,
    first: date,
    last: date,
    *,
    progress: Reporting,
    steps: Sequence[str] = STEPS,
    **options: Any,
) -> list[StepReport]:
    """The nightly job for each day in [first, last]: the same steps as the DAG, under one lease."""
    options = {"reads_posture": "extract" in steps or steps[0] == "posture", **options}
    night = open_night(settings, first, last, progress, **options)
    with closing(night.store), night.lease() as lease:
        if "validate" in steps:
            _import_ahead()
        return [perform(night, lease, name) for name in steps]


def _import_ahead() -> None:
    """Import what is slow to import, in the order of its use, on the core that reading and counting leave free.

    No daemon: a run that fails at once waits a second for it, where a thread killed within an import could take the exit code along.
    """
    from pipelines.quality.judge import great_expectations

    def both() -> None:
        with suppress(Exception):  # the step that needs it imports again, and says what is wrong
            great_expectations()
            importlib.import_module("ibis")

    threading.Thread(target=both, name="import-ahead").start()


def run_step(name: str, *, day: date, connection: Mapping[str, Any] | None = None, run_uid: str = "") -> StepReport:
    """One step for one day, for a scheduler: settings from the environment, a Connection and nowguard.toml."""
    settings = load(connection=connection).settings
    night = open_night(settings, day, day, Logged(), run_uid=run_uid)
    with closing(night.store), night.lease() as lease:
        return perform(night, lease, name)


def perform(night: Night, lease: Lease, name: str) -> StepReport:
    """Run one step, record its rows in `mart.runs`, and say what it did."""
    step = step_named(name)
    rows: list[StepRow] = []
    with timed() as spent:
        try:
            rows = step(night, lease)
        except NowguardError as error:
            night.runs.record(
                night.run_uid, night.instance, [StepRow(name, "", night.last, "failed", message=error.cause)]
            )
            raise
    night.runs.record(
        night.run_uid, night.instance, [StepRow(name, "", night.last, "ok", sum(r.rows for r in rows), spent[0]), *rows]
    )
    report = StepReport(name, tuple(rows), spent[0])
    night.progress.say(f"{name:<9} {sum(r.rows for r in rows):>10,} rows {spent[0]:>6.1f} s")
    return report


class Logged:
    """Progress for a task: finished tables and steps go to the log."""

    def __call__(self, table: str, rows: int, pages: int = 0) -> None:
        return

    def done(self, table: str, text: str) -> None:
        log.info(text)

    def say(self, text: str) -> None:
        log.info(text)
