"""The folder is the registry: a policy exists because its file does, and its id is the file's name."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.errors import UsageError, misnamed
from pipelines.policies.core import Kind, Override, Policy
from pipelines.policies.user import Problem, read
from pipelines.policies.user.changes import FILE
from pipelines.policies.user.problem import line_of

NO_OVERRIDES: Mapping[str, Override] = MappingProxyType({})


@dataclass(frozen=True)
class Loaded:
    """Every enabled policy by id, in order, and what of the user's folder could not be used."""

    policies: Mapping[str, Policy]
    problems: tuple[Problem, ...] = ()


def load(folder: Path | None = None, *, overrides: Mapping[str, Override] = NO_OVERRIDES) -> Loaded:
    """Ours, those of the user's `folder`, and the user's changes over both. A change that cannot be made is a problem and
    leaves its policy as it ships."""
    known = dict(catalogue())
    problems: list[Problem] = []
    if folder is not None:
        said = read(folder)
        problems += said.problems
        for id_, policy in said.policies.items():
            if id_ in known:
                problems.append(_taken(policy))
            else:
                known[id_] = policy
        overrides = {**said.overrides, **overrides}
    for id_, override in overrides.items():
        try:
            known[id_] = _named(known, id_).changed(override)
        except UsageError as error:
            path = str(folder / FILE) if folder else FILE
            line = line_of(Path(path).read_text(encoding="utf-8"), id_) if Path(path).is_file() else 1
            problems.append(Problem(id_, path, line, error.cause, error.remedy))
    chosen = {id_: policy for id_, policy in sorted(known.items()) if policy.enabled}
    return Loaded(MappingProxyType(chosen), tuple(problems))


def registry(folder: Path | None = None, *, overrides: Mapping[str, Override] = NO_OVERRIDES) -> Mapping[str, Policy]:
    """Every enabled policy by id, in order; `load` also says what could not be used."""
    return load(folder, overrides=overrides).policies


def words(policy_id: str, folder: Path | None = None) -> Mapping[str, Any]:
    """What a policy says of itself, for `pipelines.alerts.explain`; nothing where it is no longer installed."""
    policy = {**catalogue(), **registry(folder)}.get(policy_id)
    if policy is None:
        return {}
    return {"summary": policy.summary, "steps": policy.triage, "blind_to": policy.blind_to}


def _named(known: Mapping[str, Policy], id_: str) -> Policy:
    if id_ not in known:
        raise misnamed("policy", id_, sorted(known))
    return known[id_]


def _taken(policy: Policy) -> Problem:
    cause = f"your policy {policy.id} has the id of one of ours"
    return Problem(policy.id, policy.path, 1, cause, "rename the file and its id, or change ours in policies.toml")


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
