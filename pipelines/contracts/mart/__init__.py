"""The stable views of the published warehouse, one file each; the folder is the registry.

A view reads only tables inside the file (schema `wh`), carries `instance`, and has a comment on itself and every column.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from pipelines.contracts.mart._view import View

__all__ = ["View", "views"]


@cache
def views() -> dict[str, View]:
    """All views by name, in name order. Each module holds one `VIEW`."""
    found: dict[str, View] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda i: i.name):
        if not info.name.startswith("_"):
            view: View = importlib.import_module(f"{__name__}.{info.name}").VIEW
            found[view.name] = view
    return found
