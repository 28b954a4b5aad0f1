"""Features and carried state: state(D) = f(state(D-1), day D), and history is never read again.

One module per table, each with a `FEATURE`; the folder is the registry. A feature reads the day's activities and the
state of the day before, never another feature of the same day, so their order is free and a day is built in one pass.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from datetime import date
from functools import cache

from pipelines.contracts.table import Table
from pipelines.features.compiled import compiled
from pipelines.features.core import PREVIOUS, Dialect, Feature, to_sql

__all__ = ["PREVIOUS", "Feature", "features", "order", "selects", "sql"]


@cache
def features() -> dict[str, Feature]:
    """Every feature by the name of its table: features of the day first, then the state it hands on."""
    found: dict[str, Feature] = {}
    for info in pkgutil.iter_modules(__path__):
        feature = getattr(importlib.import_module(f"{__name__}.{info.name}"), "FEATURE", None)
        if feature is not None:
            found[feature.table.name] = feature
    return dict(sorted(found.items()))


def order() -> tuple[Table, ...]:
    """The tables in the order in which `selects` yields them."""
    return tuple(feature.table for feature in features().values())


def sql(feature: Feature, instance: str, day: date, dialect: Dialect = "duckdb") -> str:
    """The feature's rows of one day as one SELECT."""
    return to_sql(feature.expression(instance, day), dialect)


def selects(instance: str, day: date, *, only: Collection[str] = ()) -> Iterator[tuple[Table, str]]:
    """Each table and the SELECT of its rows of `day`; none needs another's. DuckDB sums to 128 bits: see `Table.casts`.

    The connection that they run on holds views of the day's activities and, named `<state>__previous`, of the latest state
    before the day (empty on the first). `only` names tables where not all are wanted."""
    for name, feature in features().items():
        if only and name not in only:
            continue
        select, _ = compiled(name, feature.expression, instance, day)
        yield feature.table, select
