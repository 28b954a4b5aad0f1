"""A night's snapshot against every recommendation: one state each, with what was observed and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.posture.checks import Verdict
from pipelines.posture.core import Control, State, TableView
from pipelines.posture.reading import Reading
from pipelines.posture.registry import controls
from pipelines.posture.releases import baseline_of, family_of


def evaluate(
    con: duckdb.DuckDBPyConnection,
    instance: str,
    day: date,
    *,
    release: str | None,
    tables: Mapping[str, TableView],
    asked: Mapping[str, Control] | None = None,
) -> pa.Table:
    """One row of `out__posture` per recommendation, in the order of their ids. `since` is `day`: `carry` knows better.

    `release` is a family or a build name; None judges by the latest baseline. `tables` says by ServiceNow's name how each
    table can be read; one that is not named has not been read.
    """
    wanted = controls() if asked is None else asked
    family = family_of(release)
    names = (name for control in wanted.values() for name in control.check.properties())
    reading = Reading(con, tables, day, family, names)
    rows = [_row(control, control.check.judge(reading), instance, day, family) for control in wanted.values()]
    return pa.Table.from_pylist(rows, schema=contract("out__posture").arrow_schema())


def _row(control: Control, verdict: Verdict, instance: str, day: date, family: str | None) -> dict[str, Any]:
    state, reason = _state(control, verdict, family)
    return {
        "instance": instance,
        "event_date": day,
        "control_id": control.id,
        "ref": control.ref,
        "title": control.title,
        "category": control.category.value,
        "state": state.value,
        "observed": verdict.observed,
        "expected": control.expected,
        "reason": reason,
        "missing_acls": sorted(set(verdict.acls)) if state is State.UNKNOWN else [],
        "reads": list(control.reads),
        "severity_score": control.severity.score,
        "severity_word": control.severity.word,
        "weight": control.severity.weight,
        "finding_count": verdict.findings,
        "examples": list(verdict.examples),
        "source": str(control.source),
        "remediation": "\n".join(control.remediation),
        "irreversible": control.irreversible,
        "functional_impact": control.impact,
        "frameworks": [f"{name} {entry}" for name, entries in sorted(control.frameworks.items()) for entry in entries],
        "is_setting": control.is_setting,
        "is_in_baseline": control.is_setting and control.release.lists(baseline_of(family)),
        "is_named_by_microsoft": control.named_by_microsoft,
        "release": family or "",
        "last_known_state": state.value if state in {State.COMPLIANT, State.NOT_COMPLIANT} else None,
        "since": day,
    }


def _state(control: Control, verdict: Verdict, family: str | None) -> tuple[State, str]:
    baseline = baseline_of(family)
    if verdict.rests_on_absence and control.release.since > baseline:
        when = f"baseline {control.release.since:.1f}"
        return State.NOT_APPLICABLE, f"the setting came with {when}, this instance is measured by {baseline:.1f}"
    if not verdict.is_applicable:
        return State.NOT_APPLICABLE, verdict.reason
    if verdict.holds is None:
        return State.UNKNOWN, verdict.reason
    return (State.COMPLIANT if verdict.holds else State.NOT_COMPLIANT), verdict.reason
