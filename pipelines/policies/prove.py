"""Run a policy's cases on an engine, and say in words where what it made of them differs from what they expect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from ibis.common.exceptions import IbisError
from ibis.expr.schema import Schema

from pipelines.contracts import contract
from pipelines.errors import NowguardError, UsageError
from pipelines.features import PREVIOUS, features, selects, sql
from pipelines.features.compiled import compiled
from pipelines.features.core import Dialect, to_sql
from pipelines.policies.cases import INSTANCE
from pipelines.policies.core import Case, Policy
from pipelines.policies.evaluate import expression, revision, shape
from pipelines.policies.user import locked


class Engine(Protocol):
    """What runs a case: DuckDB here, Spark in `tests/policies/test_spark_parity.py`."""

    dialect: Dialect

    def load(self, name: str, rows: pa.Table) -> None: ...
    def define(self, name: str, select: str) -> None: ...
    def fetch(self, select: str) -> pa.Table: ...


@dataclass
class DuckDB:
    """An in-memory database, one for many cases."""

    dialect: Dialect = "duckdb"
    con: duckdb.DuckDBPyConnection = field(default_factory=lambda: duckdb.connect(config={"threads": 1}))

    def load(self, name: str, rows: pa.Table) -> None:
        self.con.register(name, rows)

    def define(self, name: str, select: str) -> None:
        self.con.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {select}')

    def fetch(self, select: str) -> pa.Table:
        found: pa.Table = self.con.execute(select).to_arrow_table()  # a relation would be planned twice
        return found


@dataclass(frozen=True, slots=True)
class Proof:
    """One case, and why it does not hold; nothing where it does."""

    case: str
    failure: str


def prove(policy: Policy) -> Iterator[Proof]:
    """Every case of the policy, run on DuckDB. A case that cannot be run has failed, and says why."""
    engine = DuckDB()
    for case in policy.cases:
        if policy.query:
            engine = DuckDB()  # a query locks its connection
        try:
            yield Proof(case.name, "; ".join(problems(policy, case, engine)))
        except (NowguardError, duckdb.Error, IbisError) as error:
            yield Proof(case.name, f"{type(error).__name__}: {error}")


def problems(policy: Policy, case: Case, engine: Engine) -> list[str]:
    """Nothing where the case holds; else what is wrong, in words."""
    return list(_differences(policy, case, observe(policy, case, engine)))


def observe(policy: Policy, case: Case, engine: Engine) -> list[dict[str, Any]]:
    """What the policy makes of the case: rows of `out__detection` with their `evidence`."""
    prepare(policy, case, engine)
    if policy.query:
        if not isinstance(engine, DuckDB):
            raise UsageError("a query runs on DuckDB only", remedy="write it as an Ibis expression")
        seen, facts = locked.run(policy, engine.con, INSTANCE, case.day)
        return list(shape(replace(policy, facts=facts), seen, INSTANCE, case.day, revision(policy)))
    select, promised = _select(policy, case, engine.dialect)
    seen = engine.fetch(select).cast(promised.to_pyarrow())  # DuckDB adds up in 128 bits, Spark in decimals
    policy_revision = revision(policy, params=case.params, sensitivity=case.sensitivity)
    return list(shape(policy, seen, INSTANCE, case.day, policy_revision))


#: What other dialects than DuckDB run; compiling costs more than running.
_COMPILED: dict[tuple[object, ...], tuple[str, Schema]] = {}


def _select(policy: Policy, case: Case, dialect: Dialect) -> tuple[str, Schema]:
    """(SQL, schema of its rows), compiled once for all cases that run the same; for DuckDB as `evaluate` does it."""
    options: dict[str, Any] = {"params": case.params, "sensitivity": case.sensitivity}
    name = f"{policy.id} {revision(policy, **options)}"
    if dialect == "duckdb":
        return compiled(name, partial(expression, policy, **options), INSTANCE, case.day)
    if (name, case.day, dialect) not in _COMPILED:
        wanted = expression(policy, INSTANCE, case.day, **options)
        _COMPILED[name, case.day, dialect] = to_sql(wanted, dialect), wanted.schema()
    return _COMPILED[name, case.day, dialect]


def prepare(policy: Policy, case: Case, engine: Engine) -> None:
    """The case's rows under the names that the policy reads, and only those. A feature is built from the activities, the
    state that a case gives being that of the day before."""
    for name in policy.reads:
        if contract(name).layer != "feat":
            engine.load(name, _rows(case, name))
            continue
        feature = features()[name]
        for view in feature.reads:
            engine.load(view, _rows(case, view.removesuffix(PREVIOUS)))
        engine.define(name, _feature_sql(name, case.day, engine.dialect))


@cache
def _feature_sql(name: str, day: date, dialect: Dialect) -> str:
    if dialect != "duckdb":
        return sql(features()[name], INSTANCE, day, dialect)
    ((_, select),) = selects(INSTANCE, day, only=(name,))
    return select


def _rows(case: Case, name: str) -> pa.Table:
    schema = contract(name).arrow_schema()
    found = [row.values for row in case.rows if row.table == name]
    return pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in found], schema=schema)


def _differences(policy: Policy, case: Case, detections: list[dict[str, Any]]) -> Iterator[str]:
    raised = [d for d in detections if d["suppressed_by"] is None]
    behaviors = [d for d in detections if d["suppressed_by"] is not None]
    if len(raised) != case.alerts:
        yield f"expected {case.alerts} alerts, got {[d['title'] for d in raised]}"
    if len(behaviors) != case.behaviors:
        yield f"expected {case.behaviors} behaviors, got {[(d['title'], d['suppressed_by']) for d in behaviors]}"
    if case.suppressed_by:
        label = next((s.label for s in policy.suppressions if s.name == case.suppressed_by), case.suppressed_by)
        yield from (f"held by {d['suppressed_by']!r}, not {label!r}" for d in behaviors if d["suppressed_by"] != label)
    for detection in raised or behaviors:
        yield from _mismatches(case.having, detection)


def _mismatches(wanted: Mapping[str, Any], detection: Mapping[str, Any]) -> Iterator[str]:
    values = {**json.loads(detection["facts"]), **{k: v for k, v in detection.items() if v is not None}}
    for name, value in wanted.items():
        if values.get(name) != value:
            yield f"{name} is {values.get(name)!r}, not {value!r}"
