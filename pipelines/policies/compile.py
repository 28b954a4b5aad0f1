"""Every feature and policy as SQL for DuckDB and for Spark, without data: a column renamed in a contract turns red here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import get_args

from pipelines import features
from pipelines.features.core import Dialect, to_sql
from pipelines.policies.evaluate import expression
from pipelines.policies.registry import catalogue

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One SELECT: of which table or policy, for which engine."""

    name: str
    dialect: Dialect
    sql: str


def compiled(day: date, instance: str = "acme") -> Iterator[Compiled]:
    """All of them, features first. An expression that an engine cannot say raises ibis's own error."""
    for dialect in DIALECTS:
        for name, feature in features.features().items():
            yield Compiled(name, dialect, features.sql(feature, instance, day, dialect))
        for policy in catalogue().values():
            yield Compiled(policy.id, dialect, to_sql(expression(policy, instance, day), dialect))
