"""What a policy is: one value that says what it sees, needs, means and misses, with the cases that prove it.

A policy's file is its docs page: the module's docstring is the body, `POLICY` the rest. `detect` is a pure function of
bound tables and parameters to an Ibis table, so the same file runs on DuckDB and on Spark.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

import ibis.expr.types as ir

from pipelines.errors import UsageError

Severity = Literal["informational", "low", "medium", "high"]
Sensitivity = Literal["low", "medium", "high"]
Scope = Literal["system", "organisation", "user"]
Value = int | float | str | tuple[str, ...]
Tables = Mapping[str, ir.Table]


class Kind(StrEnum):
    """Where a policy stands in the catalogue, and the name of the folder it lives in."""

    ANOMALY = "anomaly"
    ACTIVITY = "activity"
    FILE = "file"
    MODEL = "model"


#: Microsoft's meaning of the levels: the more sensitive, the fewer explanations are accepted.
ACCEPTED: Mapping[Sensitivity, frozenset[Scope]] = MappingProxyType(
    {
        "low": frozenset({"system", "organisation", "user"}),
        "medium": frozenset({"system", "user"}),
        "high": frozenset({"system"}),
    }
)

#: Columns that every `detect` returns. `evidence` holds activity_uids, sorted; lists are sorted so that reruns are equal.
REQUIRED = (
    "actor_user_uid",
    "actor_user_name",
    "first_seen",
    "last_seen",
    "evidence_count",
    "src_ips",
    "countries",
    "evidence",
)
#: Columns that it may return; null where it does not. A suppression is a boolean column of its name, a fact a column of its.
OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "actor_user_uids": "array<string>",
        "severity": "string",
        "confidence": "float64",
        "trait_kind": "string",
        "trait_value": "string",
        "model_revision": "string",
    }
)


@dataclass(frozen=True, slots=True)
class Param:
    """A number that a user may change. `source` says where the default comes from."""

    name: str
    default: Value
    meaning: str
    source: str
    unit: str = ""


class Params:
    """Values by attribute (`params.min_files`). An unknown name is an error; `used` tells a test what was read."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = dict(values)
        self.used: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        try:
            value = self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(f"no parameter is called {name}") from None
        self.used.add(name)
        return value


@dataclass(frozen=True)
class Evidence:
    """What a policy must be able to see; `pipelines.alerts.coverage` judges a day by it.

    Tables are ServiceNow's names, columns `table.column`. Without one of `tables` the policy is blind, without one of
    `helpful_tables` degraded; of each group in `any_of` one must be readable. `data` names what we bring ourselves.
    """

    tables: tuple[str, ...] = ()
    helpful_tables: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    columns: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    data: tuple[Literal["geo", "asn", "ip_lists", "identity"], ...] = ()
    learning_days: int = 0


@dataclass(frozen=True, slots=True)
class Suppression:
    """An innocent explanation by mechanism. Where its column is true the detection is a behavior and no alert.

    `system` explanations always hold; `user` ones (usual for this person) not at high sensitivity; `organisation` ones
    (common among colleagues) at low sensitivity only.
    """

    name: str
    scope: Scope
    meaning: str

    @property
    def label(self) -> str:
        """What `suppressed_by` says."""
        return f"{self.scope}: {self.name}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table in a case; columns not named take the contract's ordinary value."""

    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """Rows, and what the policy must make of them: so many alerts (or behaviors held by `suppressed_by`)."""

    name: str
    rows: tuple[Row, ...]
    day: date
    alerts: int = 0
    behaviors: int = 0
    suppressed_by: str = ""  # name of the suppression of every behavior
    having: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))  # column or fact of each detection
    params: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    sensitivity: Sensitivity = "medium"


@dataclass(frozen=True)
class Scoping:
    """Whom a policy judges: user names, or groups by sys_id. Exclude wins; nobody included means everybody."""

    include_users: frozenset[str] = frozenset()
    include_groups: frozenset[str] = frozenset()
    exclude_users: frozenset[str] = frozenset()
    exclude_groups: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return any((self.include_users, self.include_groups, self.exclude_users, self.exclude_groups))


@dataclass(frozen=True)
class Policy:
    """One policy. `reads` are contracts; `lookback` is how far before the day its rows must be visible."""

    id: str
    kind: Kind
    severity: Severity
    attack: tuple[str, ...]
    title: str  # template over the detection's columns and facts, e.g. "{actor} downloaded {file_count} files"
    summary: str  # the module's docstring
    blind_to: str
    triage: tuple[str, ...]
    reads: tuple[str, ...]
    needs: Evidence
    detect: Callable[[Tables, Params], ir.Table]
    cases: tuple[Case, ...]
    params: tuple[Param, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # by the fact `form`, where several
    facts: tuple[str, ...] = ()  # columns of `detect` that go into the JSON `facts`
    lookback: timedelta = timedelta(0)
    scoping: Scoping = Scoping()
    enabled: bool = True
    query: str = ""  # a user's SELECT, run in a locked DuckDB instead of `detect`
    path: str = ""  # the user's file; empty for ours
    is_severity_set: bool = False  # by the user: holds for every detection, whatever the policy thinks of each

    @property
    def file(self) -> str:
        """The file that holds the policy."""
        return self.path or inspect.getsourcefile(self.detect) or ""

    @property
    def name(self) -> str:
        """The id as a person reads it."""
        return self.id.replace("_", " ").capitalize()

    def values(self, changed: Mapping[str, Value] | None = None) -> Params:
        """The defaults, with `changed` over them. A name that the policy does not declare is refused."""
        values = {param.name: param.default for param in self.params}
        for name, value in (changed or {}).items():
            values[name] = _checked(self.id, name, value, values)
        return Params(values)

    def changed(self, override: Override) -> Policy:
        """This policy with a user's changes: they become its defaults, so that they enter its revision and its docs."""
        values = self.values(override.params).values
        return replace(
            self,
            params=tuple(replace(param, default=values[param.name]) for param in self.params),
            severity=override.severity or self.severity,
            is_severity_set=override.severity is not None or self.is_severity_set,
            scoping=override.scoping or self.scoping,
            enabled=self.enabled if override.enabled is None else override.enabled,
        )


@dataclass(frozen=True)
class Override:
    """What a user changes of one policy; whatever is not said stays."""

    params: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    severity: Severity | None = None
    scoping: Scoping = Scoping()
    enabled: bool | None = None


def _checked(policy_id: str, name: str, value: Value, known: Mapping[str, Value]) -> Value:
    """`value` in the type of the default; a whole number may stand for a fraction."""
    if name not in known:
        raise UsageError(
            f"policy {policy_id} has no parameter {name}", remedy=f"choose one of {', '.join(sorted(known)) or 'none'}"
        )
    default = known[name]
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        return tuple(str(part) for part in value)
    if type(value) is not type(default):
        raise UsageError(
            f"parameter {name} of policy {policy_id} is {value!r}",
            remedy=f"give a value like the default, {default!r}",
        )
    return value


def sentences(policy: Policy) -> Iterator[str]:
    """Every text of the policy that a person reads."""
    yield from (policy.summary, policy.title, *policy.titles.values(), policy.blind_to, *policy.triage)
    yield from (param.meaning for param in policy.params)
    yield from (suppression.meaning for suppression in policy.suppressions)
