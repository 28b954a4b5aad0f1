"""Read what posture asks for and land it: rows of the tables that it alone needs, counts, and how well it all could be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.contracts import contract, sources
from pipelines.contracts.counts import QUESTIONS, Question
from pipelines.contracts.table import Table, empty
from pipelines.lake import Lease
from pipelines.posture.registry import reads
from pipelines.sources.servicenow import Extracted, ReadRequest, ServiceNow
from pipelines.steps.extract import connection_of, pace_of
from pipelines.steps.night import Night, StepRow
from pipelines.steps.validate import judge

READ, COUNT = "raw_servicenow__posture_table", "raw_servicenow__posture_count"
_SAID = ("table", "state", "reason", "missing_columns", "hidden_rows", "rows")


def read_snapshot(night: Night, lease: Lease) -> list[StepRow]:
    """Land the snapshot of the run's last day. A table that cannot be read is said to be so, and the rest goes on."""
    shared = {name: table for name, table in sources().items() if name in reads()}
    said = _read_by_the_night(night, shared)
    todo = [*sources("posture").values(), *(shared[name] for name in shared.keys() - said.keys())]
    with night.spool() as spool, ServiceNow(connection_of(night.settings), pace_of(night.settings)) as source:
        requests = [ReadRequest(table, day=night.last) for table in todo]
        got = list(source.read_many(requests, spool, night.progress))
        rows = [_land(night, lease, found) for found in got]
        answers = [_answer(source, name, question) for name, question in QUESTIONS.items()]
    said |= {state["table"]: state for state in map(_state, got)}
    _judged(night, lease, said)
    _write(night, lease, COUNT, answers)
    _write(night, lease, READ, list(said.values()))
    judged, _ = judge(night, lease, [contract(COUNT), contract(READ)], "posture")
    return [*rows, *judged]


def _read_by_the_night(night: Night, shared: dict[str, Table]) -> dict[str, dict[str, Any]]:
    """What the nightly extraction of the same day has said of tables that both need; those are not read twice."""
    states = contract("out__table_state")
    if night.last not in night.lake.days(states, night.instance):
        return {}
    with night.lake.connect() as con:
        night.lake.view(con, states, night.instance, [night.last])
        rows = con.sql(f"FROM {states.name}").to_arrow_table().to_pylist()
    return {row["table"]: {name: row[name] for name in _SAID} for row in rows if row["table"] in shared}


def _land(night: Night, lease: Lease, got: Extracted) -> StepRow:
    if got.state != "ok":
        return StepRow("posture", got.table.name, night.last, got.state, 0, got.seconds, got.reason)
    data = got.parts.get(night.last) or empty(got.table)
    is_own = got.table.source is not None and got.table.source.purpose == "posture"
    quality = "passed" if is_own else ""  # what the night reads too is judged by `validate`
    part = night.lake.replace(lease, got.table, night.instance, night.last, data, quality=quality)
    state = ("ok" if part.rows else "empty") if part.changed else "unchanged"
    hidden = f"{got.hidden_rows:,} rows are hidden from the account by ACLs" if got.hidden_rows else ""
    return StepRow("posture", got.table.name, night.last, state, part.rows, got.seconds, hidden)


def _state(got: Extracted) -> dict[str, Any]:
    assert got.table.source is not None
    return {
        "table": got.table.source.table, "state": got.state, "reason": got.reason,
        "missing_columns": list(got.missing_columns), "hidden_rows": got.hidden_rows, "rows": got.rows,
    }  # fmt: skip


def _answer(source: ServiceNow, name: str, question: Question) -> dict[str, Any]:
    rows, state, reason = source.ask(question.table, question.query, question.column)
    return {"question": name, "rows": rows, "state": state, "reason": reason}


def _judged(night: Night, lease: Lease, said: dict[str, dict[str, Any]]) -> None:
    """Count rows without a key and rows that share one; such a table fails, what rests on it is unknown, nothing stops.

    One query per table and one suite over all of their counts: a suite per table costs a tenth of a second forty times.
    """
    with night.connect() as con:
        for name, table in sources("posture").items():
            if said[name]["state"] != "ok":
                continue
            view = night.lake.view(con, table, night.instance, [night.last])
            keyless, doubled = con.execute(
                f"SELECT count(*) - count(sys_id), count(sys_id) - count(DISTINCT sys_id) FROM {view}"
            ).fetchall()[0]
            said[name] |= {"keyless_rows": keyless, "doubled_rows": doubled}
            if keyless or doubled:
                said[name] |= {"state": "failed", "reason": f"{keyless:,} rows without sys_id, {doubled:,} twice"}
                night.lake.set_quality(lease, table, night.instance, night.last, "failed")


def _write(night: Night, lease: Lease, name: str, rows: list[dict[str, Any]]) -> None:
    table = contract(name)
    ordered = sorted(rows, key=lambda row: str(row[table.key[0]]))
    named: Iterator[dict[str, Any]] = ({"instance": night.instance, "event_date": night.last, **row} for row in ordered)
    data = pa.Table.from_pylist(list(named), schema=table.arrow_schema())
    night.lake.replace(lease, table, night.instance, night.last, data)
