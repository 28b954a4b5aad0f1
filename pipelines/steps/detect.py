"""Run the policies over each stale day, score what they saw, and say what they could not see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import alerts, policies
from pipelines.contracts import contract
from pipelines.features.compiled import keep_in
from pipelines.lake import Lease
from pipelines.policies import Policy
from pipelines.policies.core import Kind
from pipelines.policies.user import Problem
from pipelines.posture.gate import what_is_not_seen
from pipelines.steps.conform import enricher_of, snapshot_day
from pipelines.steps.evaluation import days_to_read, evaluate_all
from pipelines.steps.night import Night, StepRow, revision_of

DETECTION, EVIDENCE, COVERAGE = "out__detection", "out__detection_evidence", "out__coverage"
POSTURE, CHANGES = "out__posture", "out__posture_change"
SILENCE_DAYS = 14
#: Logs that an administrator switches on, and what their silence means.
SWITCHED = {
    "sys_audit": "auditing is off, or no audited table changed",
    "isc_export_event": "exports are not recorded, they are told by their addresses alone",
    "syslog_transaction": "the transaction log is off or rotated away",
}


def detect(night: Night, lease: Lease) -> list[StepRow]:
    """Write `out__detection`, its evidence and `out__coverage` for every stale day."""
    keep_in(night.settings.compiled_dir)
    loaded = policies.load(night.settings.policies_dir)
    ages = _ages(night)
    rows = [StepRow("detect", p.policy_id, night.last, "failed", message=p.text) for p in loaded.problems]
    for day in night.landed_days():
        inputs = _fingerprint(night, day, loaded.policies)
        if night.asked_for(day) or not _is_fresh(night, day, inputs):
            rows += _detect_day(night, lease, day, inputs, loaded, ages)
    return rows


def _is_fresh(night: Night, day: date, inputs: str) -> bool:
    part = night.lake.partition(contract(DETECTION), night.instance, day)
    return part is not None and part.inputs == inputs


def _fingerprint(night: Night, day: date, chosen: Mapping[str, Policy]) -> str:
    parts = [
        night.lake.fingerprint([table], night.instance, days)
        for table, days in days_to_read(night, day, chosen).items()
    ]
    states = night.lake.fingerprint([contract("out__table_state")], night.instance, _nearest_states(night, day))
    shape = contract(DETECTION).columns  # a detection of an older shape is made again
    return revision_of(parts, states, night.settings.sensitivity, shape)


def _detect_day(
    night: Night, lease: Lease, day: date, inputs: str, loaded: policies.Loaded, ages: Mapping[str, int]
) -> list[StepRow]:
    rows: list[StepRow] = []
    seen: list[policies.Seen] = []
    chosen = loaded.policies
    broken = {**_learning(night, day, chosen), **_uncompared(night, day, chosen), **_broken(loaded)}
    with night.connect() as con:
        for table, days in days_to_read(night, day, chosen).items():
            night.lake.view(con, table, night.instance, days, shared=True)
        for policy, result, seconds in evaluate_all(night, con, day, chosen):
            if isinstance(result, Problem):
                broken[policy.id] = alerts.Finding("blind", result.text)
                rows.append(StepRow("detect", policy.id, day, "failed", seconds=seconds, message=result.text))
                continue
            seen.append(result)
            rows.append(StepRow("detect", policy.id, day, "ok", result.detections.num_rows, seconds))
        coverage = alerts.coverage(
            tuple(chosen.values()), _known(night, con, day, ages), instance=night.instance, day=day, broken=broken
        )
        evidence = policies.evidence_of(con, night.instance, [one.named for one in seen])
        found = pa.concat_tables([one.detections for one in seen])
        detections = alerts.score(con, night.instance, day, found, evidence)
    night.lake.replace(lease, contract(COVERAGE), night.instance, day, coverage, inputs=inputs)
    night.lake.replace(lease, contract(EVIDENCE), night.instance, day, evidence, inputs=inputs)
    night.lake.replace(lease, contract(DETECTION), night.instance, day, detections, inputs=inputs)
    return rows


def _learning(night: Night, day: date, chosen: Mapping[str, Policy]) -> dict[str, alerts.Finding]:
    """Policies that raise what a model found, on a day that no model scored."""
    part = night.lake.partition(contract("out__model_score"), night.instance, day)
    if part is not None and part.rows:
        return {}
    reason = (
        "no anomaly model scores this day: run `nowguard model train`; a model scores the days after those it learned"
    )
    return {id_: alerts.Finding("learning", reason) for id_, policy in chosen.items() if policy.kind is Kind.MODEL}


def _uncompared(night: Night, day: date, chosen: Mapping[str, Policy]) -> dict[str, alerts.Finding]:
    """Policies that raise what turned between two posture snapshots, on a day without one, or with the first one."""
    held = [d for d in night.lake.days(contract(POSTURE), night.instance) if d <= day]
    if held[-1:] == [day] and len(held) > 1:
        return {}
    none = alerts.Finding("blind", "no posture snapshot shows this day: schedule `servicenow_posture`")
    first = alerts.Finding("learning", "the first posture snapshot: the next one is compared with it")
    found = first if held == [day] else none
    return {id_: found for id_, policy in chosen.items() if CHANGES in policy.reads}


def _broken(loaded: policies.Loaded) -> dict[str, alerts.Finding]:
    """What of the user's folder could not be used: a change that is not made degrades, a policy that is not there is blind."""
    return {
        p.policy_id: alerts.Finding("degraded" if p.policy_id in loaded.policies else "blind", p.text)
        for p in loaded.problems
    }


def _known(night: Night, con: duckdb.DuckDBPyConnection, day: date, ages: Mapping[str, int]) -> dict[str, Any]:
    """What coverage is judged by: readability on the day (else of the nearest run), settings, history, age of lists."""
    night.lake.view(con, contract("out__table_state"), night.instance, _nearest_states(night, day))
    settings = night.settings
    return {
        "table_states": con.sql("SELECT * FROM out__table_state").to_arrow_table().to_pylist(),
        "history_days": len([d for d in night.landed_days() if d <= day]),
        "has_geo": settings.geo_db is not None and "geo" in ages,
        "has_asn": settings.asn_db is not None and "asn" in ages,
        "has_ip_lists": settings.ip_lists is not None and "ip_lists" in ages,
        "has_identity": bool(settings.entra_tenant_id),
        "properties": _properties(night, con, day),
        "ages": ages,
        "silent": _silent(night, day),
        "unseen": _unseen(night, con, day),
    }


def _silent(night: Night, day: date) -> dict[str, str]:
    """Logs that fill by themselves where they are switched on, and had no row in two weeks of landed days."""
    landed = [d for d in night.landed_days() if d <= day][-SILENCE_DAYS:]
    if len(landed) < SILENCE_DAYS:
        return {}
    held = {name: night.lake.ledger.rows_by_day(night.instance, f"raw_servicenow__{name}") for name in SWITCHED}
    return {name: why for name, why in SWITCHED.items() if not any(held[name].get(d, 0) for d in landed)}


def _unseen(night: Night, con: duckdb.DuckDBPyConnection, day: date) -> dict[str, Any]:
    """What the posture of the day says that policies do not see; nothing where there has never been a snapshot."""
    days = posture_day(night, day)
    if not days:
        return {}
    night.lake.view(con, contract(POSTURE), night.instance, days)
    seen = con.execute("SELECT DISTINCT activity_name FROM core__activity WHERE event_date = $1", [day]).fetchall()
    return dict(what_is_not_seen(con.sql(f"FROM {POSTURE}").to_arrow_table().to_pylist(), [name for (name,) in seen]))


def posture_day(night: Night, day: date) -> list[date]:
    """The last snapshot up to the day, else the first after it: a new one changes nothing of days before it."""
    held = night.lake.days(contract(POSTURE), night.instance)
    return [d for d in held if d <= day][-1:] or held[:1]


def _properties(night: Night, con: duckdb.DuckDBPyConnection, day: date) -> dict[str, str] | None:
    """System properties as of the day; None where no snapshot could be read."""
    table = contract("raw_servicenow__sys_properties")
    days = snapshot_day(night, table, day)
    if not days:
        return None
    night.lake.view(con, table, night.instance, days)
    return dict(
        con.execute(f"SELECT name, coalesce(\"value\", '') FROM {table.name} WHERE name IS NOT NULL").fetchall()
    )


def _ages(night: Night) -> dict[str, int]:
    """Days between the making of each source of enrichment and the night's last day; a source that is broken is absent."""
    names = ("geo", "asn", "ip_lists")
    last = datetime.combine(night.last, datetime.min.time())
    return {
        name: max(0, (last - source.built_at).days) if source.built_at else 0
        for name, source in zip(names, enricher_of(night).age(), strict=True)
        if not source.reason
    }


def _nearest_states(night: Night, day: date) -> list[date]:
    """The day whose run said how readable the tables are: the day itself, else the next one, else the last."""
    held = night.lake.days(contract("out__table_state"), night.instance)
    return [d for d in held if d >= day][:1] or held[-1:]
