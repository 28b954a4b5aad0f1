"""The folder is the registry: a model exists because a file of `declared/` holds it, and its id is the file's name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from models.core import Model
from pipelines.errors import UsageError

_FOLDER = "models.declared"


@cache
def catalogue() -> Mapping[str, Model]:
    """Every declared model by id, in order."""
    folder = importlib.import_module(_FOLDER)
    found: dict[str, Model] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(folder.__path__) if info.name[0] != "_"):
        model: Model = importlib.import_module(f"{_FOLDER}.{name}").MODEL
        if model.id != name:
            raise UsageError(f"{_FOLDER}.{name} holds the model {model.id}", remedy="give the file the model's id")
        if not model.card:
            raise UsageError(
                f"model {name} has no card", remedy="say in the file's docstring what it is for and where it fails"
            )
        found[name] = model
    return MappingProxyType(found)


def model(id_: str) -> Model:
    """The model with this id; an unknown one is an error that names the nearest."""
    known = catalogue()
    if id_ not in known:
        near = difflib.get_close_matches(id_, known, n=1)
        raise UsageError(
            f"there is no model {id_}",
            remedy=f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}",
        )
    return known[id_]
