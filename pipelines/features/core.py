"""What a feature table is, and how it runs: an Ibis expression over one day and the state of the day before.

Bound to the contracts' schemas, an expression needs no data to be compiled; it runs wherever views of these names are.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir
from ibis.config import Config

from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.errors import UsageError

Dialect = Literal["duckdb", "pyspark"]
Tables = Mapping[str, ir.Table]
PREVIOUS = "__previous"


@dataclass(frozen=True)
class Feature:
    """One feature or state table. `reads` are views: `core__activity` (the day), `state__x__previous` (the day before).

    `build` gets them bound to instance and day and returns every column of the contract but `instance` and `event_date`.
    """

    table: Table
    reads: tuple[str, ...]
    build: Callable[[Tables, date], ir.Table]

    def expression(self, instance: str, day: date) -> ir.Table:
        """The rows of `day`, in the contract's columns and types."""
        built = self.build(bind(self.reads, instance, day), day)
        stamped = built.mutate(instance=ibis.literal(instance), event_date=ibis.literal(day))
        return cast(stamped, self.table)


def bind(names: Iterable[str], instance: str, day: date) -> dict[str, ir.Table]:
    """Each view as an unbound table of its contract, narrowed to the instance and the day, without our own activity.

    A view of an earlier state holds one partition, whatever its day: a day without activity leaves no hole.
    """
    return {name: _bound(name, instance, day) for name in names}


def _bound(name: str, instance: str, day: date) -> ir.Table:
    declared = contract(name.removesuffix(PREVIOUS))
    table = ibis.table(declared.ibis_schema(), name=name).filter(ibis._.instance == instance)
    if not name.endswith(PREVIOUS):
        table = table.filter(table.event_date == ibis.literal(day))
    if name == "core__activity":
        table = table.filter(~table.is_own)
    return table


def cast(table: ir.Table, declared: Table) -> ir.Table:
    """Exactly the contract's columns, in its order and types; a missing one is an error that names it."""
    if absent := [f.name for f in declared.all_fields if f.name not in table.columns]:
        raise UsageError(
            f"{declared.name}: the expression lacks {absent}", remedy="return every column of the contract"
        )
    return table.select(**{f.name: _as(table[f.name], f.ibis) for f in declared.all_fields})


def _as(column: ir.Value, dtype: str) -> ir.Value:
    return column if column.type() == ibis.dtype(dtype) else column.cast(dtype)


class _SparkOptions(Config):  # type: ignore[misc]  # ibis has no types
    """The option that the Spark compiler asks for, at ibis's own default."""

    treat_nan_as_null: bool = False


def to_sql(expression: ir.Table, dialect: Dialect = "duckdb") -> str:
    """One SELECT over views named as the tables are. Compiling needs neither data nor the engine, Spark's Java included."""
    compiler = importlib.import_module(f"ibis.backends.sql.compilers.{dialect}").compiler
    if dialect == "pyspark" and ibis.options.pyspark is None:  # registered by the backend's module, which needs pyspark
        ibis.options.pyspark = _SparkOptions()
    return str(compiler.to_sqlglot(expression).sql(dialect=compiler.dialect))


def seconds(time: ir.Value) -> ir.Value:
    """Whole seconds since 1970: arithmetic on these is equal on every engine, on timestamps it is not."""
    return time.epoch_seconds().floor().cast("int64")
