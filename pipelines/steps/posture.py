"""Take the posture snapshot, hold it against every recommendation, and keep what turned since the one before.

The snapshot is filed under the run's last day. What is in the lake decides: an evaluation asks the instance nothing, and
the same snapshot gives the same rows. Reading happens where a run reads at all (`--from-step validate` does not).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.contracts import all_sources, contract
from pipelines.contracts.table import Table, empty
from pipelines.lake import Lease
from pipelines.posture import TableView, evaluate
from pipelines.posture.access import access
from pipelines.posture.changes import carry, changes
from pipelines.posture.exceptions import Exceptions, excepted
from pipelines.posture.exposed import exposed
from pipelines.posture.reading import Obstacle
from pipelines.posture.registry import controls
from pipelines.posture.score import score
from pipelines.sources.servicenow import BUILD_PROPERTIES
from pipelines.steps.night import Night, StepRow, revision_of, timed
from pipelines.steps.posture_snapshot import READ, read_snapshot

STATES, CHANGES, SCORE = "out__posture", "out__posture_change", "out__posture_score"
ACCESS, EXPOSED, IDENTITY = "out__access", "out__exposed_resource", "core__identity"


def posture(night: Night, lease: Lease) -> list[StepRow]:
    """Read the last day's snapshot where this run reads, and evaluate every snapshot whose inputs changed."""
    rows = read_snapshot(night, lease) if night.options.get("reads_posture", True) else []
    for day in [d for d in night.lake.days(contract(READ), night.instance) if d <= night.last]:
        before = night.latest_before(contract(STATES), day)
        inputs = _fingerprint(night, day, before)
        held = night.lake.partition(contract(STATES), night.instance, day)
        if night.asked_for(day) or held is None or held.inputs != inputs:
            rows += _evaluate_day(night, lease, day, before, inputs)
    return rows


def _evaluate_day(night: Night, lease: Lease, day: date, before: list[date], inputs: str) -> list[StepRow]:
    with night.connect() as con, timed() as spent:
        views = views_of(night, con, day)
        found = evaluate(con, night.instance, day, release=release_in(con, views), tables=views)
        previous = _previous(night, con, before)
        reached = exposed(con, day, views, found, controls(), _exposed_before(night, con, day))
        holders = access(con, night.instance, day, views, _identities(night, con, day))
    in_force = Exceptions(night.store, night.instance).on(day)
    states = excepted(carry(previous, found), in_force)
    unseen = holders.reason if isinstance(holders, Obstacle) else ""
    written = {
        STATES: states,
        CHANGES: changes(previous, states),
        SCORE: score(states, in_force),
        EXPOSED: reached,
        ACCESS: empty(contract(ACCESS)) if isinstance(holders, Obstacle) else holders,
    }
    for name, data in written.items():
        night.lake.replace(lease, contract(name), night.instance, day, data, inputs=inputs)
    unknown = sum(state == "unknown" for state in states["state"].to_pylist())
    said = {STATES: f"{unknown} of {states.num_rows} recommendations are unknown" if unknown else "", ACCESS: unseen}
    return [
        StepRow(
            "posture", name, day, "denied" if name == ACCESS and unseen else "ok", data.num_rows,
            spent[0] if name == STATES else 0.0, said.get(name, ""),
        )
        for name, data in written.items()
    ]  # fmt: skip


def views_of(night: Night, con: duckdb.DuckDBPyConnection, day: date) -> dict[str, TableView]:
    """How each table of the day's snapshot can be read, by ServiceNow's name; registers a view of each."""
    night.lake.view(con, contract(READ), night.instance, [day])
    tables = all_sources()
    views = {
        row["table"]: _view(night, con, tables[row["table"]], day, row)
        for row in con.sql(f"FROM {READ}").to_arrow_table().to_pylist()
        if row["table"] in tables
    }
    count = contract("raw_servicenow__posture_count")
    return {
        **views,
        "posture_count": TableView(night.lake.view(con, count, night.instance, [day]), frozenset({"question", "rows"})),
        "posture_access_before": _access_before(night, con, day),
    }


def _access_before(night: Night, con: duckdb.DuckDBPyConnection, day: date) -> TableView:
    """Active holders in the latest earlier snapshot in which any could be seen."""
    days = _days_of_access(night, day)
    if not days:
        return TableView(state="missing", reason="no earlier snapshot shows who was an administrator")
    held = night.lake.view(con, contract(ACCESS), night.instance, days, name="posture_access_held")
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW posture_access_before AS SELECT user_uid, role FROM {held} WHERE is_active"
    )
    return TableView("posture_access_before", frozenset({"user_uid", "role"}))


def _days_of_access(night: Night, day: date) -> list[date]:
    rows = night.lake.ledger.rows_by_day(night.instance, ACCESS)
    return sorted(earlier for earlier, count in rows.items() if count and earlier < day)[-1:]


def _exposed_before(night: Night, con: duckdb.DuckDBPyConnection, day: date) -> str:
    """A view of the snapshot before; empty where there is none."""
    held = night.latest_before(contract(EXPOSED), day)
    return night.lake.view(con, contract(EXPOSED), night.instance, held, name="posture_exposed_before") if held else ""


def _identities(night: Night, con: duckdb.DuckDBPyConnection, day: date) -> str:
    """A view of what the identity provider said last, up to the day; empty where it was never read."""
    held = _days_of_identities(night, day)
    return night.lake.view(con, contract(IDENTITY), night.instance, held) if held else ""


def _days_of_identities(night: Night, day: date) -> list[date]:
    return [held for held in night.lake.days(contract(IDENTITY), night.instance) if held <= day][-1:]


def _view(
    night: Night, con: duckdb.DuckDBPyConnection, table: Table, day: date, read: Mapping[str, object]
) -> TableView:
    if read["state"] != "ok":
        return TableView(state=str(read["state"]), reason=str(read["reason"] or ""))  # type: ignore[arg-type]  # the contract's words
    relation = night.lake.view(con, table, night.instance, [day])
    missing = set(read["missing_columns"] or ())  # type: ignore[call-overload]  # a list of names
    shown, hidden = int(read["rows"] or 0), int(read["hidden_rows"] or 0)  # type: ignore[call-overload]  # counts
    state = "partial" if hidden else "ok" if shown else "empty"
    return TableView(relation, frozenset(table.columns) - missing, state, hidden_rows=hidden)  # type: ignore[arg-type]


def release_in(con: duckdb.DuckDBPyConnection, views: Mapping[str, TableView]) -> str | None:
    """The build that the instance says it runs; None where no property says it."""
    settings = views.get("sys_properties")
    if settings is None or not settings.relation:
        return None
    said = dict(
        con.execute(
            f"SELECT name, value FROM {settings.relation} WHERE name IN (SELECT unnest(?))", [list(BUILD_PROPERTIES)]
        ).fetchall()
    )
    return next((said[name] for name in BUILD_PROPERTIES if said.get(name)), None)


def _previous(night: Night, con: duckdb.DuckDBPyConnection, before: list[date]) -> pa.Table | None:
    """What the snapshot before was found to be; None where there is none."""
    if not before:
        return None
    night.lake.view(con, contract(STATES), night.instance, before, name="posture_before")
    return con.sql("FROM posture_before").to_arrow_table()


def _fingerprint(night: Night, day: date, before: list[date]) -> str:
    """Everything that decides the day's states but the declarations: those apply to days that are asked for."""
    tables = [*all_sources().values(), contract(READ), contract("raw_servicenow__posture_count")]
    slow = [t for t in tables if t.time_column == ""]
    own = night.lake.fingerprint(slow, night.instance, [day])
    accepted = Exceptions(night.store, night.instance).on(day)
    said = revision_of(*(f"{one}" for _, one in sorted(accepted.items()))) if accepted else ""
    beside = (
        (STATES, before),
        (EXPOSED, night.latest_before(contract(EXPOSED), day)),
        (ACCESS, _days_of_access(night, day)),
        (IDENTITY, _days_of_identities(night, day)),
    )
    others = " ".join(night.lake.fingerprint([contract(name)], night.instance, days) for name, days in beside)
    return f"{own} {others} {said}".rstrip()
