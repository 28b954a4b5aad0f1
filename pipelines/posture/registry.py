"""The folder is the registry: a recommendation exists because a file of `controls/` declares it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipelines.errors import UsageError
from pipelines.posture.core import Control

_FOLDER = "pipelines.posture.controls"


@cache
def controls() -> Mapping[str, Control]:
    """Every recommendation by id, in the order of ids. Each module of `controls/` holds a tuple `CONTROLS`."""
    folder = importlib.import_module(_FOLDER)

    found: dict[str, Control] = {}
    for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda i: i.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{folder.__name__}.{info.name}")
        for control in module.CONTROLS:
            if control.id in found:
                raise UsageError(f"two recommendations are called {control.id}", remedy=f"rename one in {info.name}.py")
            found[control.id] = control
    return MappingProxyType(dict(sorted(found.items())))


def reads() -> Mapping[str, frozenset[str]]:
    """Every table and column that some recommendation reads: what a snapshot must hold."""
    tables: dict[str, frozenset[str]] = {}
    for control in controls().values():
        for table, columns in control.check.reads().items():
            tables[table] = tables.get(table, frozenset()) | columns
    return MappingProxyType(dict(sorted(tables.items())))
