"""Run one policy over one day: bind its tables, execute the expression, and give what it saw the shape of the contracts.

What belongs to every policy is done here once: our own account never counts, an episode belongs to the day it ends on,
`state__` tables are as of the end of the day before, a user's scope, the sensitivity, the title as plain text.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.errors import UsageError
from pipelines.features.compiled import DAY as DAY_OF_STAND_IN
from pipelines.features.compiled import INSTANCE, compiled
from pipelines.policies.core import ACCEPTED, OPTIONAL, REQUIRED, Policy, Scoping, Sensitivity, Value
from pipelines.policies.evidence import evidence_of, named
from pipelines.policies.user import locked
from pipelines.policies.words import render
from pipelines.window import DAY

warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)  # detections are few


@dataclass(frozen=True)
class Seen:
    """What a policy saw: contract `out__detection` (score columns null), and the activities that each row names."""

    detections: pa.Table
    named: pa.Table


@dataclass(frozen=True)
class Found:
    """What a policy saw: contracts `out__detection` (score columns null) and `out__detection_evidence`."""

    detections: pa.Table
    evidence: pa.Table


def evaluate(
    policy: Policy,
    con: duckdb.DuckDBPyConnection,
    instance: str,
    day: date,
    *,
    params: Mapping[str, Value] | None = None,
    sensitivity: Sensitivity = "medium",
) -> Found:
    """What the policy saw, with its evidence; `con` as for `see`."""
    seen = see(policy, con, instance, day, params=params, sensitivity=sensitivity)
    return Found(seen.detections, evidence_of(con, instance, [seen.named]))


def see(
    policy: Policy,
    con: duckdb.DuckDBPyConnection,
    instance: str,
    day: date,
    *,
    params: Mapping[str, Value] | None = None,
    sensitivity: Sensitivity = "medium",
) -> Seen:
    """`con` holds a view per name in `policy.reads` over the look-back and the day, and `core__user` where there is a scope.

    A user's query locks `con`: give it a connection of its own, see `user.locked.lock`."""
    policy_revision = revision(policy, params=params, sensitivity=sensitivity)
    if policy.query:
        seen, facts = locked.run(policy, con, instance, day)
        return _seen(policy, list(shape(replace(policy, facts=facts), seen, instance, day, policy_revision)), day)
    build = partial(expression, policy, params=params, sensitivity=sensitivity)
    query, promised = compiled(f"{policy.id} {policy_revision}", build, instance, day)
    # a relation would be planned twice, and of a small day planning is the cost; DuckDB adds up in 128 bits
    found: pa.Table = con.execute(query).to_arrow_table()
    seen = found.cast(promised.to_pyarrow())
    return _seen(policy, list(shape(policy, seen, instance, day, policy_revision)), day)


def prepare(policy: Policy, *, sensitivity: Sensitivity = "medium") -> None:
    """Compile the policy, which must not be done side by side: Ibis numbers what it names."""
    if not policy.query:
        build = partial(expression, policy, params=None, sensitivity=sensitivity)
        compiled(f"{policy.id} {revision(policy, sensitivity=sensitivity)}", build, INSTANCE, DAY_OF_STAND_IN)


def expression(
    policy: Policy,
    instance: str,
    day: date,
    *,
    params: Mapping[str, Value] | None = None,
    sensitivity: Sensitivity = "medium",
) -> ir.Table:
    """What the policy saw on `day`: the standard columns, its facts, and `suppressed_by`. Needs no data to be built."""
    tables = bind(policy, instance, day)
    found = policy.detect(tables, policy.values(params))
    start = datetime.combine(day, time.min)
    found = found.filter(found.last_seen >= _instant(start), found.last_seen < _instant(start + DAY))
    found = _standard(policy, found, sensitivity)
    return _in_scope(found, tables["core__user"], policy.scoping) if policy.scoping else found


def bind(policy: Policy, instance: str, day: date) -> dict[str, ir.Table]:
    """Each view in `reads` as an unbound table of its contract: of the instance, in the look-back, without our own
    activity; state as of the end of the day before, so that nothing is usual because it happened today."""
    names = {*policy.reads, *(["core__user"] if policy.scoping else [])}
    return {name: _bound(contract(name), instance, day, policy.lookback) for name in sorted(names)}


def _bound(declared: Table, instance: str, day: date, lookback: timedelta) -> ir.Table:
    table = ibis.table(declared.ibis_schema(), name=declared.name)
    table = table.filter(table.instance == instance)
    if declared.layer == "state":
        before = table.filter(table.event_date < ibis.literal(day))
        return before.filter(before.event_date == before.event_date.max().as_scalar())
    if declared.name == "core__user":
        return table.filter(table.event_date == ibis.literal(day))
    table = table.filter(table.event_date.between(ibis.literal(first_day(day, lookback)), ibis.literal(day)))
    if declared.name == "core__activity":
        since = datetime.combine(day, time.min) - lookback
        table = table.filter(~table.is_own, table.time >= _instant(since))
    return table


def first_day(day: date, lookback: timedelta) -> date:
    """The first day whose partition holds something of the look-back."""
    return day - DAY * -(-lookback // DAY)


def _instant(at: datetime) -> ir.TimestampScalar:
    return ibis.literal(at.isoformat(sep=" ")).cast("timestamp(6)")


def _standard(policy: Policy, found: ir.Table, sensitivity: Sensitivity) -> ir.Table:
    """The columns in one order; `suppressed_by` is the first accepted explanation that holds."""
    names = {suppression.name for suppression in policy.suppressions}
    if absent := sorted({*REQUIRED, *policy.facts, *names} - set(found.columns)):
        raise UsageError(f"policy {policy.id} does not return {absent}", remedy="return them from detect")
    accepted = [s for s in policy.suppressions if s.scope in ACCEPTED[sensitivity]]
    reasons = [(found[s.name].fill_null(False), s.label) for s in accepted]
    return found.select(
        *REQUIRED,
        **{name: found[name] if name in found.columns else ibis.null(dtype) for name, dtype in OPTIONAL.items()},
        **{name: found[name] for name in policy.facts if name not in REQUIRED},
        suppressed_by=ibis.cases(*reasons, else_=ibis.null("string")) if reasons else ibis.null("string"),
    )


def _in_scope(found: ir.Table, users: ir.Table, scoping: Scoping) -> ir.Table:
    """Who is judged. Exclude wins; a campaign has no actor and is always judged."""
    groups = users.select(scoped_uid=users.user_uid, scoped_groups=users.group_uids)
    joined = found.left_join(groups, found.actor_user_uid == groups.scoped_uid)

    def within(names: frozenset[str], members: frozenset[str]) -> ir.BooleanValue:
        by_name = joined.actor_user_name.isin(sorted(names)).fill_null(False)
        by_group = [joined.scoped_groups.contains(group).fill_null(False) for group in sorted(members)]
        return ibis.or_(by_name, *by_group)

    judged = ~within(scoping.exclude_users, scoping.exclude_groups)
    if scoping.include_users or scoping.include_groups:
        judged &= within(scoping.include_users, scoping.include_groups)
    return joined.filter(judged | (joined.actor_user_uid.isnull() & joined.actor_user_name.isnull())).select(
        *found.columns
    )


def shape(policy: Policy, seen: pa.Table, instance: str, day: date, policy_revision: str) -> Iterator[dict[str, Any]]:
    """Rows of `out__detection` with their `evidence` (activity_uids), in the order of their ids' subjects.

    A list of nothing is empty: DuckDB collects no rows to null, Spark to an empty list.
    """
    lists = [field.name for field in seen.schema if pa.types.is_list(field.type)]
    for row in sorted(seen.to_pylist(), key=_subject):
        row.update({name: row[name] or [] for name in lists})
        uids = row["actor_user_uids"] or ([row["actor_user_uid"]] if row["actor_user_uid"] else [])
        yield {
            **{column: row.get(column) for column in contract("out__detection").columns},
            "evidence": row["evidence"],
            "instance": instance,
            "event_date": day,
            "detection_uid": _digest(instance, policy.id, day, *_subject(row)),
            "policy_id": policy.id,
            "policy_kind": str(policy.kind),
            "policy_revision": policy_revision,
            "severity": policy.severity if policy.is_severity_set else row["severity"] or policy.severity,
            "actor_user_uids": sorted(set(uids)),
            "title": render(policy.titles.get(row.get("form") or "", policy.title), row),
            "attack_techniques": sorted(policy.attack),
            "facts": json.dumps({name: row[name] for name in policy.facts}, sort_keys=True, default=str),
        }


def _subject(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Who or what a detection is about and when it began: unique among the detections of one policy and day."""
    columns = (
        "actor_user_uid",
        "actor_user_name",
        "trait_kind",
        "trait_value",
        "first_seen",
        "last_seen",
        "suppressed_by",
    )
    return tuple(str(row[column] if row[column] is not None else "") for column in columns)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


def _seen(policy: Policy, rows: list[dict[str, Any]], day: date) -> Seen:
    detections = pa.Table.from_pylist(rows, schema=contract("out__detection").arrow_schema())
    return Seen(detections, named(rows, first_day(day, policy.lookback)))


def revision(policy: Policy, *, params: Mapping[str, Value] | None = None, sensitivity: Sensitivity = "medium") -> str:
    """Twelve hex digits over the policy's file and everything a user may change of it."""
    text = Path(policy.file).read_text(encoding="utf-8") if policy.file else policy.id
    scope = {name: sorted(members) for name, members in asdict(policy.scoping).items()}
    severity = [policy.severity] if policy.is_severity_set else policy.severity
    changeable = [policy.values(params).values, severity, scope, sensitivity]
    return _digest(text, json.dumps(changeable, sort_keys=True))[:12]
