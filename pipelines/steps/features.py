"""Carry features and per-user state one day on, for every day whose activities or earlier state changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from pipelines import features as building
from pipelines.contracts import contract
from pipelines.features.compiled import keep_in
from pipelines.lake import Lease
from pipelines.lake.writer import write_selects
from pipelines.steps.night import Night, StepRow, revision_of, timed

#: What a feature may read of the day itself.
CORE = ("core__activity", "core__user", "core__identity")


def features(night: Night, lease: Lease) -> list[StepRow]:
    """state(D) = f(state(D-1), day D): the wave ends where a day's state comes out equal."""
    rows: list[StepRow] = []
    keep_in(night.settings.compiled_dir)
    with night.spool() as spool:
        for day in night.landed_days():
            inputs = _fingerprint(night, day)
            if night.asked_for(day) or not _is_fresh(night, day, inputs):
                rows += _build_day(night, lease, day, inputs, spool)
    return rows


def _is_fresh(night: Night, day: date, inputs: str) -> bool:
    parts = (night.lake.partition(table, night.instance, day) for table in building.order())
    return all(part is not None and part.inputs == inputs for part in parts)


def _fingerprint(night: Night, day: date) -> str:
    """The day's activities and the state that it is carried on from."""
    state = [
        night.lake.fingerprint([table], night.instance, night.latest_before(table, day))
        for table in building.order()
        if table.layer == "state"
    ]
    core = [contract(name) for name in CORE]
    return revision_of(night.lake.fingerprint(core, night.instance, [day]), state)


def _build_day(night: Night, lease: Lease, day: date, inputs: str, spool: Path) -> list[StepRow]:
    rows = []
    with night.connect() as con, timed() as spent:
        for name in CORE:
            night.lake.view(con, contract(name), night.instance, [day], shared=True)
        for table in building.order():
            if table.layer == "state":
                before, name = night.latest_before(table, day), f"{table.name}{building.PREVIOUS}"
                night.lake.view(con, table, night.instance, before, name=name, shared=True)
        for table, path in write_selects(con, building.selects(night.instance, day), spool, night.settings.threads):
            part = night.lake.replace(lease, table, night.instance, day, [path], inputs=inputs)
            rows.append(StepRow("features", table.name, day, "ok" if part.changed else "unchanged", part.rows))
    return [replace(row, seconds=spent[0] if row is rows[-1] else 0.0) for row in rows]
