"""The user's folder: `policies.toml` changes policies, each `<id>.py` is one in the form of ours.

    [impossible_travel]
    severity = "high"
    params = { min_kmh = 800 }
    scope = { exclude_users = ["pentest"], exclude_groups = ["<sys_id>"] }

    [mass_download_by_single_user]
    enabled = false

The Python files run with the rights of this process, as the project's own do: the folder belongs to whoever may change
the installation.
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from pipelines.errors import UsageError
from pipelines.policies.core import Override, Policy, Scoping, Severity

FILE = "policies.toml"
_KEYS = ("severity", "params", "scope", "enabled")
_SCOPES = tuple(Scoping.__dataclass_fields__)


def overrides_in(folder: Path) -> Mapping[str, Override]:
    """What `policies.toml` says, by policy; nothing where there is no such file."""
    path = folder / FILE
    if not path.is_file():
        return MappingProxyType({})
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: {error}", remedy="correct the line; docs/howto/write-a-policy.md shows the form"
        ) from None
    return MappingProxyType({policy: _override(f"{path}, [{policy}]", table) for policy, table in said.items()})


def _override(where: str, table: Any) -> Override:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is {table!r}", remedy="write a table: [impossible_travel]")
    _known(where, table, _KEYS)
    scope = table.get("scope", {})
    _known(f"{where}.scope", scope, _SCOPES)
    severity = table.get("severity")
    if severity is not None and severity not in get_args(Severity):
        raise UsageError(f"{where}: severity is {severity!r}", remedy=f"choose one of {', '.join(get_args(Severity))}")
    if not isinstance(table.get("enabled", True), bool):
        raise UsageError(f"{where}: enabled is {table['enabled']!r}", remedy="write true or false")
    return Override(
        params=table.get("params", {}),
        severity=severity,
        scoping=Scoping(**{name: frozenset(map(str, members)) for name, members in scope.items()}),
        enabled=table.get("enabled"),
    )


def _known(where: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    if foreign := sorted(table.keys() - set(keys)):
        raise UsageError(f"{where} has the unknown key {foreign[0]}", remedy=f"choose one of {', '.join(keys)}")


def policies_in(folder: Path) -> Mapping[str, Policy]:
    """The user's own policies by id, in order."""
    found = [_policy(path) for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
    return MappingProxyType({policy.id: policy for policy in found})


def _policy(path: Path) -> Policy:
    remedy = "see docs/howto/write-a-policy.md"
    spec = importlib.util.spec_from_file_location(f"nowguard_own_policies.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded", remedy=remedy)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises is about the user's file
        raise UsageError(f"{path}: {type(error).__name__}: {error}", remedy=remedy) from error
    policy = getattr(module, "POLICY", None)
    if not isinstance(policy, Policy):
        raise UsageError(f"{path} declares no POLICY", remedy=remedy)
    if policy.id != path.stem:
        raise UsageError(f"{path} holds the policy {policy.id}", remedy=f"call the file {policy.id}.py")
    return policy
