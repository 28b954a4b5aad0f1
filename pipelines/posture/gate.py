"""What a recommendation that is not followed takes from the policies: the one declaration of control -> policies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.posture.core import State

Sight = Literal["blind", "degraded"]


@dataclass(frozen=True, slots=True)
class Gate:
    """`policies` see worse while the control is not compliant; `because` says what they do not see."""

    control_id: str
    policies: tuple[str, ...]
    sight: Sight
    because: str
    shown_by: tuple[
        str, ...
    ] = ()  # activities of the day that prove the policies saw some of it, whatever the setting says now


GATES: tuple[Gate, ...] = (
    Gate(
        "impersonation_logged",
        ("unusual_impersonation",),
        "blind",
        "the instance does not log who acts as somebody else",
        shown_by=("impersonation_start",),
    ),
    Gate(
        "impersonation_logged",
        ("unusual_administrative_activity", "mass_download_by_single_user", "unusual_file_downloads"),
        "degraded",
        "what is done while impersonating counts for the account that is impersonated",
    ),
    Gate(
        "impersonator_audited",
        ("unusual_administrative_activity", "unusual_mass_deletion"),
        "degraded",
        "sys_audit names the account that is impersonated, not who impersonates",
    ),
)


def what_is_not_seen(
    states: Iterable[Mapping[str, Any]], activities: Collection[str] = ()
) -> dict[str, list[tuple[Sight, str]]]:
    """Policy id -> (sight, reason), from rows of `out__posture` of one day and the names of that day's activities.

    A control that is unknown degrades: it cannot be told whether the policies see. One that does not apply takes nothing.
    """
    found: dict[str, list[tuple[Sight, str]]] = {}
    by_id = {row["control_id"]: row for row in states}
    for gate in GATES:
        row = by_id.get(gate.control_id)
        if row is None or row["state"] in {State.COMPLIANT, State.NOT_APPLICABLE}:
            continue
        for policy in gate.policies:
            found.setdefault(policy, []).append(_said(gate, row, activities))
    return found


def _said(gate: Gate, row: Mapping[str, Any], activities: Collection[str]) -> tuple[Sight, str]:
    if row["state"] == State.UNKNOWN:
        return "degraded", f"cannot tell whether {row['expected']} ({row['reason']})"
    said = f"{gate.because}: {row['observed']}; see `nowguard posture show {gate.control_id}`"
    if any(name in activities for name in gate.shown_by):
        return "degraded", f"for a part of the day {said}"  # switched off on the way, or written in spite of it
    return gate.sight, said
