"""One night beside the night before: since when a state holds, what changed, and what turned for the worse."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.contracts import contract
from pipelines.posture.checks import settings_in
from pipelines.posture.core import State
from pipelines.posture.registry import controls

_SETTINGS = "sys_properties"
_KNOWN = frozenset({State.COMPLIANT, State.NOT_COMPLIANT})


def carry(previous: pa.Table | None, current: pa.Table) -> pa.Table:
    """`current` (`out__posture`) with `since` and `last_known_state` continued from `previous`, the snapshot before."""
    before = _by_control(previous)
    rows = current.to_pylist()
    for row in rows:
        known = before.get(row["control_id"])
        if known is None:
            continue
        if known["state"] == row["state"]:
            row["since"] = known["since"]
        if row["state"] not in _KNOWN:
            row["last_known_state"] = known["last_known_state"]
    return pa.Table.from_pylist(rows, schema=current.schema)


def changes(previous: pa.Table | None, current: pa.Table) -> pa.Table:
    """Rows of `out__posture_change`: one per recommendation in both whose state differs. None before: no rows.

    `is_drift` where the last state that was known is compliant: a night that could not see hides no turn.
    """
    before = _by_control(previous)
    rows = [
        _change(before[row["control_id"]], row)
        for row in current.to_pylist()
        if row["control_id"] in before and before[row["control_id"]]["state"] != row["state"]
    ]
    return pa.Table.from_pylist(rows, schema=contract("out__posture_change").arrow_schema())


def _change(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {
        "instance": now["instance"],
        "event_date": now["event_date"],
        "control_id": now["control_id"],
        "from_state": before["state"],
        "to_state": now["state"],
        "observed": now["observed"],
        "observed_before": before["observed"],
        "previous_date": before["event_date"],
        "held_since": before["since"],
        "severity_score": now["severity_score"],
        "title": now["title"],
        "rests_on": _rests_on(now["control_id"]),
        "is_excepted": now["excepted_by"] is not None,
        "is_drift": before["last_known_state"] == State.COMPLIANT and now["state"] == State.NOT_COMPLIANT,
    }


def _rests_on(control_id: str) -> list[str]:
    """Settings by name, other tables as a whole; nothing for a recommendation that is no longer declared."""
    control = controls().get(control_id)
    if control is None:
        return []
    settings = {f"{_SETTINGS}/{one.name}" for one in settings_in(control.check)}
    return sorted(settings | (control.reads.keys() - {_SETTINGS}))


def _by_control(states: pa.Table | None) -> dict[str, dict[str, Any]]:
    return {} if states is None else {row["control_id"]: row for row in states.to_pylist()}
