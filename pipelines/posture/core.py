"""What a recommendation is: one value that a security person can read and a test can question.

A `Control` says what it asks for, why, what it reads, when it holds, what an absent row means, how bad non-compliance is
and how to repair it. What is read and what is expected follow from its check; nothing is written down twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipelines.posture.checks import Check

TableState = Literal["ok", "empty", "partial", "denied", "missing", "failed"]

#: Tables of which every living instance shows some rows: none at all means that they are hidden or were not read.
NEVER_EMPTY = frozenset(
    {
        "sys_properties", "v_plugin", "sys_plugins", "sys_user", "sys_user_role", "sys_user_has_role",
        "sys_user_role_contains", "sys_security_acl", "sys_security_acl_role", "sys_db_object", "sys_dictionary",
        "sys_script_include", "sys_ui_page",
    }
)  # fmt: skip


class State(StrEnum):
    COMPLIANT = "compliant"
    NOT_COMPLIANT = "not_compliant"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Category(StrEnum):
    """Group of recommendations; the headings of the docs page."""

    PLATFORM = "Platform access baseline"
    AUTHENTICATION = "Authentication"
    SESSION = "Session management"
    ENDPOINTS = "Unauthenticated endpoints and APIs"
    EXPOSURE = "Public content and data exposure"
    ATTACHMENTS = "Attachments and malware"
    INJECTION = "Injection, CSRF, headers, transport"
    EVIDENCE = "Evidence for detection"
    ACCOUNTS = "Accounts and roles"
    ACCESS_CONTROL = "Access control of tables, scripts and APIs"
    CONTENT = "Published content"
    INTEGRATIONS = "Integrations, secrets and upkeep"


@dataclass(frozen=True, slots=True)
class TableView:
    """How one ServiceNow table of the snapshot can be read.

    `relation` is what DuckDB calls it; its columns carry ServiceNow's names and text, as the wire had them. `state`:

    - `ok`, or `empty` where no row was seen and none is known to be hidden;
    - `partial`: `hidden_rows` more exist than the account was shown;
    - `denied`: it may not be read, `acl` says what is needed; `missing`: the instance has no such table, or `reason`;
    - `failed`: reading went wrong, `reason` says how.
    """

    relation: str = ""
    columns: frozenset[str] = frozenset()
    state: TableState = "ok"
    acl: str = ""
    reason: str = ""
    hidden_rows: int = 0


@dataclass(frozen=True, slots=True)
class Severity:
    """The vendor's 0-10, or its word where it gives no number; both empty where it says nothing."""

    score: float | None = None
    word: str = ""

    @property
    def weight(self) -> float:
        """What our own score counts: the number, else what the word stands for, else the middle of the scale."""
        return self.score if self.score is not None else WEIGHTS[self.word]


#: CVSS bands for High, Medium and Low at their middle; a scan's Act, Recommend, Suggest in the same order.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"Critical": 9.5, "High": 8.0, "Medium": 5.5, "Low": 2.0, "Act": 8.0, "Recommend": 5.5, "Suggest": 2.0, "": 5.0}
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the recommendation is published: a page, or a name that its publisher uses, or both."""

    publisher: str
    page: str = ""
    names: tuple[str, ...] = ()  # scan definitions, e.g. SE10169

    def __str__(self) -> str:
        return self.page or " ".join((self.publisher, *self.names))


@dataclass(frozen=True, slots=True)
class Release:
    """Baselines that list the setting: from `since` on, up to but without `until`. 1.0 came with Utah."""

    since: float = 1.0
    until: float | None = None
    again: float | None = None  # taken up once more with this baseline

    def lists(self, baseline: float) -> bool:
        if self.again is not None and baseline >= self.again:
            return True
        return self.since <= baseline and (self.until is None or baseline < self.until)


@dataclass(frozen=True)
class Control:
    """One recommendation. `ref` is its number in our list: 1-149 are configuration, D1-D56 everything else."""

    id: str
    ref: str
    title: str  # what should be, as a sentence without a full stop
    category: Category
    check: Check
    severity: Severity
    source: Source
    why: str
    impact: str  # what somebody notices after it is repaired
    steps: tuple[str, ...] = ()  # beyond those that the check implies
    irreversible: bool = False
    release: Release = Release()
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    named_by_microsoft: bool = False

    @property
    def is_setting(self) -> bool:
        """One of ServiceNow's hardening settings, which its score is made of."""
        return not self.ref.startswith("D")

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        """ServiceNow tables and the columns of them that the verdict rests on."""
        return {table: tuple(sorted(columns)) for table, columns in sorted(self.check.reads().items())}

    @property
    def expected(self) -> str:
        return self.check.expected()

    @property
    def remediation(self) -> tuple[str, ...]:
        """Steps in order: ours, then those that the check implies, then a warning where there is no way back."""
        warning = ("This cannot be undone once it is set: try it on a sub-production instance first.",)
        return (*self.steps, *self.check.steps(), *(warning if self.irreversible else ()))
