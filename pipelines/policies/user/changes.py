"""`policies.toml`: what the user changes of a policy.

[impossible_travel]
severity = "high"
params = { min_kmh = 800 }
scope = { exclude_users = ["pentest"], exclude_groups = ["<sys_id>"] }

[mass_download_by_single_user]
enabled = false
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pipelines.errors import UsageError
from pipelines.policies.core import Override, Scoping, Severity
from pipelines.policies.user.problem import Problem, line_of

FILE = "policies.toml"
_KEYS = ("severity", "params", "scope", "enabled")
_SCOPES = tuple(Scoping.__dataclass_fields__)
_HOWTO = "correct the line; docs/howto/write-a-policy.md shows the form"


def overrides_in(path: Path) -> tuple[dict[str, Override], list[Problem]]:
    """What the file says, by policy, and what of it cannot be used; nothing where there is no such file."""
    if not path.is_file():
        return {}, []
    try:
        text = path.read_text(encoding="utf-8")
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        at = re.search(r"line (\d+)", str(error))
        return {}, [Problem(FILE, str(path), int(at[1]) if at else 1, str(error), _HOWTO)]
    overrides, problems = {}, []
    for policy, table in said.items():
        try:
            overrides[policy] = _override(policy, table)
        except UsageError as error:
            problems.append(Problem(policy, str(path), line_of(text, policy), error.cause, error.remedy))
    return overrides, problems


def _override(policy: str, table: Any) -> Override:
    if not isinstance(table, dict):
        raise UsageError(f"{policy} is {table!r}", remedy="write a table: [impossible_travel]")
    _known(f"[{policy}]", table, _KEYS)
    severity = table.get("severity")
    if severity is not None and severity not in get_args(Severity):
        raise UsageError(f"severity is {severity!r}", remedy=f"choose one of {', '.join(get_args(Severity))}")
    if not isinstance(table.get("enabled", True), bool):
        raise UsageError(f"enabled is {table['enabled']!r}", remedy="write true or false")
    return Override(
        params=table.get("params", {}),
        severity=severity,
        scoping=scoping_of(table.get("scope", {})),
        enabled=table.get("enabled"),
    )


def scoping_of(scope: Any) -> Scoping:
    """Whom a policy judges, as `policies.toml` and `x_policy` say it."""
    if not isinstance(scope, dict) or not all(isinstance(members, list) for members in scope.values()):
        raise UsageError(f"scope is {scope!r}", remedy=f"give lists of names under {', '.join(_SCOPES)}")
    _known("scope", scope, _SCOPES)
    return Scoping(**{name: frozenset(map(str, members)) for name, members in scope.items()})


def _known(where: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    if foreign := sorted(table.keys() - set(keys)):
        raise UsageError(f"{where} has the unknown key {foreign[0]}", remedy=f"choose one of {', '.join(keys)}")
