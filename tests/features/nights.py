"""Nights in memory: activities by day in, feature and state tables by day out, as the features step does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import features
from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.policies.cases import INSTANCE
from pipelines.policies.core import Row
from pipelines.steps.features import CORE

Partitions = dict[tuple[str, date], pa.Table]


def unique(rows: Iterable[Row]) -> list[Row]:
    """Of rows with the same key, which several cases may give, the last."""
    return list({(row.table, *(str(row.values.get(k)) for k in contract(row.table).key)): row for row in rows}.values())


def of_table(rows: Iterable[Row], table: str) -> pa.Table:
    schema = contract(table).arrow_schema()
    values = [{name: row.values.get(name) for name in schema.names} for row in rows if row.table == table]
    return pa.Table.from_pylist(values, schema=schema)


@dataclass
class Nights:
    """`partitions` holds every table of every day built so far."""

    con: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    partitions: Partitions = field(default_factory=dict)
    only: tuple[str, ...] = ()

    def build(self, by_day: Mapping[date, list[Row]], days: Iterable[date]) -> Nights:
        """Build `days` in order, each from its activities and the latest state before it."""
        for day in days:
            for name in CORE:
                self.con.register(name, of_table(by_day.get(day, []), name))
            for table in features.order():
                if table.layer == "state":
                    self.con.register(table.name + features.PREVIOUS, self.latest(table.name, day))
            for table, select in features.selects(INSTANCE, day, only=self.only):
                key = ", ".join(f'"{column}"' for column in table.key)
                # a relation would be bound once more for every verb, and of a small day that is the cost
                ordered = self.con.execute(f"SELECT {table.casts} FROM ({select}) ORDER BY {key}")
                self.partitions[table.name, day] = ordered.to_arrow_table()
        return self

    def latest(self, name: str, before: date) -> pa.Table:
        days = [day for table, day in self.partitions if table == name and day < before]
        return self.partitions[name, max(days)] if days else empty(contract(name))

    def rows(self, name: str, day: date) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.partitions[name, day].to_pylist()
        return rows
