"""The folder is the registry: a policy exists because its file does, and its id is the file's name."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pipelines.errors import UsageError
from pipelines.policies.core import Kind, Override, Policy
from pipelines.policies.own import overrides_in, policies_in

NO_OVERRIDES: Mapping[str, Override] = MappingProxyType({})


def registry(folder: Path | None = None, *, overrides: Mapping[str, Override] = NO_OVERRIDES) -> Mapping[str, Policy]:
    """Every enabled policy by id, in order: ours, those of the user's `folder`, and the user's changes over both."""
    known = dict(catalogue())
    if folder is not None:
        known |= _added(known, policies_in(folder))
        overrides = {**overrides_in(folder), **overrides}
    if unknown := sorted(overrides.keys() - known.keys()):
        raise UsageError(f"there is no policy {unknown[0]}", remedy=f"choose one of {', '.join(sorted(known))}")
    chosen = {id_: known[id_].changed(overrides[id_]) if id_ in overrides else known[id_] for id_ in sorted(known)}
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
    folder = f"{__package__}.{kind}"
    if importlib.util.find_spec(folder) is None:
        return []  # no policy of this kind yet
    package = importlib.import_module(folder)
    names = [f"{folder}.{info.name}" for info in pkgutil.iter_modules(package.__path__) if info.name[0] != "_"]
    return [(name, importlib.import_module(name).POLICY) for name in sorted(names)]


def _added(known: Mapping[str, Policy], own: Mapping[str, Policy]) -> Mapping[str, Policy]:
    if taken := sorted(own.keys() & known.keys()):
        raise UsageError(
            f"your policy {taken[0]} has the id of one of ours", remedy="rename the file and its id, or override ours"
        )
    return own
