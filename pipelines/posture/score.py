"""Posture as numbers: ServiceNow's compliance score, and one of our own that not seeing does not raise.

ServiceNow: the severities of compliant settings over the severities of all settings, times a hundred, rounded up to a
whole number (25.4 of 34.9 is 73). It is reproduced over the settings of the baseline whose state is known: over the same
set the figures are the same. Computed in tenths, so that no binary fraction tips a whole number over.

Ours: what is known to be compliant over all that applies, settings or not. Unknown counts as not compliant. What an owner
answers for by an exception in force is left out of both sums and counted apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pyarrow as pa

from pipelines.contracts import contract
from pipelines.posture.core import State
from pipelines.posture.releases import baseline_of

_COUNTED = ("compliant", "not_compliant", "unknown", "not_applicable")


def vendor_score(settings: Iterable[tuple[float, bool]]) -> int | None:
    """(severity, is compliant) of each setting -> 0-100; None where there is nothing to divide by."""
    total = reached = Decimal(0)
    for severity, is_compliant in settings:
        exact = Decimal(str(severity))
        total += exact
        reached += exact if is_compliant else 0
    if not total:
        return None
    return int((reached * 100 / total).to_integral_value(ROUND_CEILING))


def score(states: pa.Table, excepted: Collection[str] = ()) -> pa.Table:
    """One row of `out__posture_score` per instance and day in `states` (`out__posture`). `excepted` are control ids."""
    days: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in states.to_pylist():
        days.setdefault((row["instance"], row["event_date"]), []).append(row)
    rows = [
        {"instance": instance, "event_date": day, **_figures(found, frozenset(excepted))}
        for (instance, day), found in sorted(days.items())
    ]
    return pa.Table.from_pylist(rows, schema=contract("out__posture_score").arrow_schema())


def _figures(rows: list[dict[str, Any]], excepted: frozenset[str]) -> Mapping[str, Any]:
    judged = [row for row in rows if row["state"] in {State.COMPLIANT, State.NOT_COMPLIANT}]
    counted = [row for row in judged if row["is_in_baseline"] and row["severity_score"] is not None]
    applying = [row for row in rows if row["state"] != State.NOT_APPLICABLE]
    open_ = [row for row in applying if row["control_id"] not in excepted or row["state"] == State.COMPLIANT]
    weight = sum(row["weight"] for row in open_)
    return {
        "score": vendor_score((row["severity_score"], row["state"] == State.COMPLIANT) for row in counted),
        "own_score": _share(_weight(open_, {State.COMPLIANT}), weight),
        "judged_share": _share(_weight(open_, {State.COMPLIANT, State.NOT_COMPLIANT}), weight),
        "severity_compliant": _sum(row["severity_score"] for row in counted if row["state"] == State.COMPLIANT),
        "severity_all": _sum(row["severity_score"] for row in counted),
        "settings": len(counted),
        **{state: sum(row["state"] == state for row in rows) for state in _COUNTED},
        "excepted": len(applying) - len(open_),
        "baseline": baseline_of(rows[0]["release"] or None),
    }


def _weight(rows: Iterable[Mapping[str, Any]], states: Collection[str]) -> float:
    return float(sum(row["weight"] for row in rows if row["state"] in states))


def _share(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _sum(severities: Iterable[float]) -> float:
    return float(sum((Decimal(str(severity)) for severity in severities), Decimal(0)))
