"""What a recommendation that is not followed takes from the policies: the one declaration of control -> policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


GATES: tuple[Gate, ...] = (
    Gate(
        "impersonation_logged",
        ("unusual_impersonation",),
        "blind",
        "the instance does not log who acts as somebody else",
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


def what_is_not_seen(states: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[Sight, str]]]:
    """Policy id -> (sight, reason), from rows of `out__posture` of one day.

    A control that is unknown degrades: it cannot be told whether the policies see. One that does not apply takes nothing.
    """
    found: dict[str, list[tuple[Sight, str]]] = {}
    by_id = {row["control_id"]: row for row in states}
    for gate in GATES:
        row = by_id.get(gate.control_id)
        if row is None or row["state"] in {State.COMPLIANT, State.NOT_APPLICABLE}:
            continue
        for policy in gate.policies:
            found.setdefault(policy, []).append(_said(gate, row))
    return found


def _said(gate: Gate, row: Mapping[str, Any]) -> tuple[Sight, str]:
    if row["state"] == State.UNKNOWN:
        return "degraded", f"cannot tell whether {row['expected']} ({row['reason']})"
    return gate.sight, f"{gate.because}: {row['observed']}; see `nowguard posture show {gate.control_id}`"
