"""The user's folder (`NOWGUARD_POLICIES_DIR`): changes of our policies, and policies of the user's own in three languages.

    policies.toml    parameters, severity, scope, on or off                        changes
    <id>.py          the form of our own policies: an Ibis expression              python
    *.yml            Sigma rules and correlations over the enriched activity       sigma, duckdb_backend, correlation
    <id>.sql         one SELECT for DuckDB, run in a locked connection             sql

A file that cannot be used becomes a `Problem` that names file, line and remedy; coverage shows it as blind, and every
other policy goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pipelines.errors import UsageError
from pipelines.policies.core import Override, Policy
from pipelines.policies.user.changes import FILE, overrides_in
from pipelines.policies.user.problem import Problem
from pipelines.policies.user.python import policy_of

__all__ = ["Problem", "UserFolder", "read"]


@dataclass(frozen=True)
class UserFolder:
    """What a folder holds: `policies` by id, `overrides` by the policy they change, and what could not be used."""

    policies: Mapping[str, Policy] = field(default_factory=lambda: MappingProxyType({}))
    overrides: Mapping[str, Override] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[Problem, ...] = ()


def read(folder: Path) -> UserFolder:
    """Every file of `folder`, in order of their names. Only a folder that is not there is an error."""
    if not folder.is_dir():
        raise UsageError(f"policies_dir {folder} is not a folder", remedy="create it, or unset NOWGUARD_POLICIES_DIR")
    overrides, problems = overrides_in(folder / FILE)
    found: dict[str, Policy] = {}
    for item in _policies(folder):
        if isinstance(item, Problem):
            problems.append(item)
        elif item.id in found:
            problems.append(
                Problem(item.id, item.path, 1, f"a second policy is called {item.id}", "rename one of them")
            )
        else:
            found[item.id] = item
    return UserFolder(MappingProxyType(found), MappingProxyType(overrides), tuple(problems))


def _policies(folder: Path) -> Iterator[Policy | Problem]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.suffix == ".py":
            yield policy_of(path)
        elif path.suffix in (".yml", ".yaml"):
            from pipelines.policies.user.sigma import policies_of  # pySigma is slow to import

            yield from policies_of(path)
        elif path.suffix == ".sql":
            from pipelines.policies.user.sql import policy_of as query_of

            yield query_of(path)
