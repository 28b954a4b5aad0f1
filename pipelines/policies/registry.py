"""The folder is the registry: a policy exists because its file does, and its id is the file's name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipelines.errors import UsageError
from pipelines.policies.core import Kind, Override, Policy

NO_OVERRIDES: Mapping[str, Override] = MappingProxyType({})


def registry(overrides: Mapping[str, Override] = NO_OVERRIDES) -> Mapping[str, Policy]:
    """Every enabled policy by id, in order, with a user's `overrides` applied. An override of no policy is refused."""
    shipped = catalogue()
    if unknown := sorted(overrides.keys() - shipped.keys()):
        raise UsageError(f"there is no policy {unknown[0]}", remedy=f"choose one of {', '.join(shipped)}")
    chosen = {id_: policy.changed(overrides[id_]) if id_ in overrides else policy for id_, policy in shipped.items()}
    return MappingProxyType({id_: policy for id_, policy in chosen.items() if policy.enabled})


@cache
def catalogue() -> Mapping[str, Policy]:
    """Every policy that ships, enabled or not, by id."""
    found: dict[str, Policy] = {}
    for kind in Kind:
        for module, policy in _in_folder(kind):
            if policy.id in found:
                raise UsageError(f"two policies are called {policy.id}", remedy=f"rename {module}")
            if (policy.id, policy.kind) != (module.rsplit(".", 1)[-1], kind):
                raise UsageError(
                    f"{module} holds the {policy.kind} policy {policy.id}",
                    remedy="give the file the policy's id, in the folder of its kind",
                )
            found[policy.id] = policy
    return MappingProxyType(dict(sorted(found.items())))


def _in_folder(kind: Kind) -> list[tuple[str, Policy]]:
    try:
        package = importlib.import_module(f"pipelines.policies.{kind}")
    except ModuleNotFoundError:
        return []  # no policy of this kind yet
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    return [(name, importlib.import_module(name).POLICY) for name in (f"{package.__name__}.{n}" for n in names)]
