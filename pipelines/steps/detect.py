"""Run the policies over each stale day, score what they saw, and say what they could not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import alerts, features, policies
from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.errors import UsageError
from pipelines.features.compiled import keep_in
from pipelines.lake import Lease
from pipelines.policies import Policy
from pipelines.policies.user import Problem
from pipelines.policies.user.locked import lock
from pipelines.steps.conform import enricher_of, snapshot_day
from pipelines.steps.night import Night, StepRow, revision_of, timed
from pipelines.window import days_between

DETECTION, EVIDENCE, COVERAGE = "out__detection", "out__detection_evidence", "out__coverage"


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


def _reads(chosen: Mapping[str, Policy]) -> dict[Table, timedelta]:
    """Every table the policies read, with the longest look-back that any of them needs."""
    needed: dict[Table, timedelta] = {}
    for policy in chosen.values():
        for name in policy.reads:
            table = contract(name)
            needed[table] = max(needed.get(table, timedelta(0)), policy.lookback)
    return needed


def _fingerprint(night: Night, day: date, chosen: Mapping[str, Policy]) -> str:
    parts = [
        night.lake.fingerprint([table], night.instance, days)
        for table, days in _days_to_read(night, day, chosen).items()
    ]
    states = night.lake.fingerprint([contract("out__table_state")], night.instance, _nearest_states(night, day))
    return revision_of(parts, states, night.settings.sensitivity)


def _days_to_read(night: Night, day: date, chosen: Mapping[str, Policy]) -> dict[Table, list[date]]:
    """The day and the policies' look-back; a state as of the end of the day before."""
    found = {
        table: night.latest_before(table, day)
        if table.layer == "state"
        else days_between(policies.first_day(day, back), day)
        for table, back in _reads(chosen).items()
    }
    for table in [*features.order(), contract("core__user"), contract("core__activity")]:
        if table not in found:
            found[table] = night.latest_before(table, day) if table.layer == "state" else [day]
    return found


def _detect_day(
    night: Night, lease: Lease, day: date, inputs: str, loaded: policies.Loaded, ages: Mapping[str, int]
) -> list[StepRow]:
    rows: list[StepRow] = []
    found, evidence = [], []
    chosen, broken = loaded.policies, _broken(loaded)
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as con:
        for table, days in _days_to_read(night, day, chosen).items():
            night.lake.view(con, table, night.instance, days, name=table.name)
        for policy in chosen.values():
            with timed() as spent:
                result = _evaluate(night, con, day, policy)
            if isinstance(result, Problem):
                broken[policy.id] = alerts.Finding("blind", result.text)
                rows.append(StepRow("detect", policy.id, day, "failed", seconds=spent[0], message=result.text))
                continue
            found.append(result.detections)
            evidence.append(result.evidence)
            rows.append(StepRow("detect", policy.id, day, "ok", result.detections.num_rows, spent[0]))
        coverage = alerts.coverage(
            tuple(chosen.values()), _known(night, con, day, ages), instance=night.instance, day=day, broken=broken
        )
        detections = alerts.score(con, night.instance, day, pa.concat_tables(found), pa.concat_tables(evidence))
    night.lake.replace(lease, contract(COVERAGE), night.instance, day, coverage, inputs=inputs)
    night.lake.replace(lease, contract(EVIDENCE), night.instance, day, pa.concat_tables(evidence), inputs=inputs)
    night.lake.replace(lease, contract(DETECTION), night.instance, day, detections, inputs=inputs)
    return rows


def _evaluate(night: Night, con: duckdb.DuckDBPyConnection, day: date, policy: Policy) -> policies.Found | Problem:
    """What the policy saw. A policy of the user's that fails is said to be blind and stops no other."""
    sensitivity = night.settings.sensitivity
    if not policy.path:
        return policies.evaluate(policy, con, night.instance, day, sensitivity=sensitivity)
    try:
        if not policy.query:
            return policies.evaluate(policy, con, night.instance, day, sensitivity=sensitivity)
        with _locked(night, day, policy) as own:
            return policies.evaluate(policy, own, night.instance, day, sensitivity=sensitivity)
    except Exception as error:  # noqa: BLE001  # whatever the user's policy raises is about the user's policy
        cause, remedy = (
            (error.cause, error.remedy) if isinstance(error, UsageError) else (f"{error}", "correct the policy")
        )
        return Problem(policy.id, policy.path, 1, f"{type(error).__name__}: {cause}", remedy)


@contextmanager
def _locked(night: Night, day: date, policy: Policy) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of the query's own, which reads the files of its tables and nothing else."""
    with night.lake.connect(night.settings.memory_limit, night.settings.threads) as own:
        paths: list[Path] = []
        for table, days in _days_to_read(night, day, {policy.id: policy}).items():
            night.lake.view(own, table, night.instance, days, name=table.name)
            paths += night.lake.files(table, night.instance, days)
        lock(own, paths)
        yield own


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
    }


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
