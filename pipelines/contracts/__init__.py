"""Every table of the lake, one file each; the folder is the registry.

raw/    as received from ServiceNow, text as text       core/   typed, joined, enriched
feat/   what policies and models look at                state/  what one day hands to the next
out/    what was found: detections, coverage, quality
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from pipelines.contracts.table import Table
from pipelines.errors import UsageError


@cache
def registry() -> dict[str, Table]:
    """All contracts by name, in layer and module order. Each module of a layer's folder holds a `TABLE`, or `TABLES`."""
    tables: dict[str, Table] = {}
    for layer in ("raw", "core", "feat", "state", "out"):
        package = importlib.import_module(f"{__name__}.{layer}")
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
            if info.name.startswith("_"):
                continue
            for table in _declared(importlib.import_module(f"{package.__name__}.{info.name}")):
                if table.name in tables:
                    raise UsageError(f"two contracts are named {table.name}", remedy="rename one")
                tables[table.name] = table
    return tables


def contract(name: str) -> Table:
    """The contract called `name`, e.g. `core__activity`."""
    try:
        return registry()[name]
    except KeyError:
        raise UsageError(f"no table is called {name}", remedy="list them with `nowguard tables`") from None


def _declared(module: Any) -> tuple[Table, ...]:
    return module.TABLES if hasattr(module, "TABLES") else (module.TABLE,)


def sources(purpose: str = "activity") -> dict[str, Table]:
    """Raw contracts by the name of their ServiceNow table, e.g. `sysevent`; of one purpose."""
    return {t.source.table: t for t in registry().values() if t.source is not None and t.source.purpose == purpose}


def all_sources() -> dict[str, Table]:
    """Raw contracts of every purpose by the name of their ServiceNow table."""
    return {**sources(), **sources("posture")}
