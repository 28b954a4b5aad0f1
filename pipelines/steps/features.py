"""Carry features and per-user state one day on, for every day whose activities or earlier state changed."""

from __future__ import annotations

from datetime import date

from pipelines import features as building
from pipelines.contracts import contract
from pipelines.lake import Lease
from pipelines.steps.night import Night, StepRow, revision_of, timed
from pipelines.window import DAY


def features(night: Night, lease: Lease) -> list[StepRow]:
    """state(D) = f(state(D-1), day D): the wave ends where a day's state comes out equal."""
    rows: list[StepRow] = []
    for day in night.landed_days():
        inputs = _fingerprint(night, day)
        if night.asked_for(day) or not _is_fresh(night, day, inputs):
            rows += _build_day(night, lease, day, inputs)
    return rows


def _is_fresh(night: Night, day: date, inputs: str) -> bool:
    parts = (night.lake.partition(table, night.instance, day) for table in building.order())
    return all(part is not None and part.inputs == inputs for part in parts)


def _fingerprint(night: Night, day: date) -> str:
    core = [contract("core__activity"), contract("core__user")]
    state = [table for table in building.order() if table.layer == "state"]
    return revision_of(
        night.lake.fingerprint(core, night.instance, [day]),
        night.lake.fingerprint(core[:1], night.instance, [day - DAY]),
        night.lake.fingerprint(state, night.instance, [day - DAY]),
    )


def _build_day(night: Night, lease: Lease, day: date, inputs: str) -> list[StepRow]:
    rows = []
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as con:
        for name in ("core__activity", "core__user"):
            night.lake.view(con, contract(name), night.instance, [day - DAY, day], name=name)
        for table in building.order():
            if table.layer == "state":
                night.lake.view(con, table, night.instance, [day - DAY], name=f"{table.name}__previous")
        with timed() as spent:
            for table, data in building.build_day(con, night.instance, day):
                part = night.lake.replace(lease, table, night.instance, day, data, inputs=inputs)
                night.lake.view(con, table, night.instance, [day], name=table.name)
                rows.append(StepRow("features", table.name, day, "ok" if part.changed else "unchanged", part.rows))
    if rows:
        rows[-1] = StepRow("features", rows[-1].table, day, rows[-1].state, rows[-1].rows, spent[0])
    return rows
