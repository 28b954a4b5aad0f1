"""Fold detections into alerts, bring the warehouse up to date, write the report."""

from __future__ import annotations

import time

import pyarrow as pa

from pipelines import alerts
from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.lake import Lake, Lease, Published, Runs, reading, sweep
from pipelines.lake import publish as write_warehouse
from pipelines.settings import Settings
from pipelines.state_store import StateStore
from pipelines.steps.night import LEASE_TTL, Night, Reporting, StepRow, log, share_of
from pipelines.window import utc_now


def publish(night: Night, lease: Lease) -> list[StepRow]:
    """Replace the warehouse file; readers see the old one or the new one."""
    sweep(night.lake, lease)  # what dead runs left; the warehouse is shared, and its own rename is atomic
    done = bring_up_to_date(night.settings, night.lake, night.store, night=night)
    _write_report(night)
    return [StepRow("publish", "warehouse", night.last, "ok", done.rows, done.seconds, _said(done))]


def bring_up_to_date(
    settings: Settings, lake: Lake, store: StateStore, *, rebuild: bool = False, night: Night | None = None
) -> Published:
    """Alerts of all days of all instances, and every stored partition that changed."""
    started = time.monotonic()
    runs = Runs(store)

    def frames() -> dict[str, pa.Table]:
        return {**_fold(settings, lake, store), "models": _models(settings, lake)}

    def log_of_runs() -> pa.Table:
        if night is None:
            return runs.all()
        # whoever can read this row reads a file that was published: its own step, up to the moment of writing
        spent, note = time.monotonic() - started, "until the file was written"
        row = StepRow("publish", "", night.last, "ok", 0, spent, note)
        return runs.all(night.run_uid, night.instance, [row])

    return write_warehouse(
        lake,
        frames,
        runs=log_of_runs,
        warehouse_days=settings.warehouse_days,
        rebuild=rebuild,
        memory_limit=share_of(settings.memory_limit, 2),  # the other half folds alerts
        threads=settings.threads,
    )


def _fold(settings: Settings, lake: Lake, store: StateStore) -> dict[str, pa.Table]:
    """Detections are few: folding all of them at each publish keeps an alert's first day right."""
    detection, evidence = contract("out__detection"), contract("out__detection_evidence")
    # half: partitions are loaded meanwhile
    with lake.connect(share_of(settings.memory_limit, 2), settings.threads) as con:
        for table in (detection, evidence):
            paths = [
                path
                for instance in lake.ledger.instances()
                for path in lake.files(table, instance, lake.days(table, instance))
            ]
            con.execute(f'CREATE TEMP VIEW "{table.name}" AS {reading(table, paths)}')
        return alerts.publishable(
            con,
            con.sql(f"FROM {detection.name}"),
            con.sql(f"FROM {evidence.name}"),
            alerts.Triage(store),
            now=utc_now(),
        )


def _models(settings: Settings, lake: Lake) -> pa.Table:
    """The registries of all instances; where nothing was ever trained the model layer is not even imported."""
    table = contract("out__model")
    found = [empty(table)]
    if (settings.data_dir / "models").is_dir():
        from pipelines.steps.model_store import ModelStore

        found += [ModelStore(settings.data_dir, instance).frame() for instance in lake.ledger.instances()]
    return pa.concat_tables(found)


def _write_report(night: Night) -> None:
    """The report is a convenience: its failure is logged and does not take the published warehouse back."""
    target = night.settings.data_dir / "report" / "index.html"
    try:
        from pipelines.report import render

        render(night.settings.warehouse, target)
    except Exception:  # noqa: BLE001  # whatever a template trips over, the night is published
        log.exception("the report could not be written; the warehouse is published")


def _said(done: Published) -> str:
    how = "rebuilt" if done.rebuilt else f"{done.replaced} partitions replaced"
    return f"{how}, {done.bytes / 1e6:.1f} MB"


def rebuild_all(settings: Settings, progress: Reporting) -> Published:
    """The warehouse from nothing but the lake and the state store, for every instance."""
    store = StateStore(settings.state_file)
    lake = Lake(settings.data_dir, store)
    progress.say("rebuilding the warehouse from the lake")
    with lake.acquire(settings.instance or "all", None, owner="rebuild", ttl=LEASE_TTL):
        return bring_up_to_date(settings, lake, store, rebuild=True)
