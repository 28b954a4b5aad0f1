"""The checks that a recommendation is made of, and the three-valued logic that joins them.

A verdict holds, does not hold, or is not known (`holds is None`); a part that is certain decides where the rest cannot
change it. What is missing is named by the access control that would show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pipelines.posture.reading import Find, Found, Obstacle, Reading, Reads, shown
from pipelines.posture.releases import is_from
from pipelines.posture.values import Test


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of a snapshot. `rests_on_absence`: a property that it reads has no row."""

    holds: bool | None
    observed: str
    reason: str = ""
    acls: tuple[str, ...] = ()
    is_applicable: bool = True
    rests_on_absence: bool = False
    findings: int | None = None
    examples: tuple[str, ...] = ()


class Check(Protocol):
    """What is read, what is expected, what a snapshot says, and what repairs it."""

    def reads(self) -> Reads: ...

    def properties(self) -> tuple[str, ...]: ...

    def expected(self) -> str: ...

    def judge(self, reading: Reading) -> Verdict: ...

    def steps(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Property:
    """A system property. `absent` is the value in force where it has no row; None: the vendor does not say."""

    name: str
    test: Test
    absent: str | None = None
    ships: str | None = None  # what a new instance has; None: not stated

    def reads(self) -> Reads:
        return {"sys_properties": frozenset({"name", "value"})}

    def properties(self) -> tuple[str, ...]:
        return (self.name,)

    def expected(self) -> str:
        return f"{self.name} is {self.test.says()}"

    def steps(self) -> tuple[str, ...]:
        return (
            f"In sys_properties.list open {self.name}, or create it there if it has no row.",
            f"Set its value to: {self.test.says()}.",
        )

    def judge(self, reading: Reading) -> Verdict:
        setting = reading.setting(self.name)
        if setting.obstacle:
            return Verdict(None, "", setting.obstacle.reason, setting.obstacle.acls)
        if not setting.values:
            return self._without_value("absent", rests_on_absence=True)
        if not self.test.empty_counts and any(not value.strip() for value in setting.values):
            return self._without_value("blank", rests_on_absence=False)
        held = all(self.test.holds(value) for value in setting.values)
        return Verdict(held, f"{self.name} = {' and '.join(shown(self.name, v) for v in setting.values)}")

    def _without_value(self, how: str, *, rests_on_absence: bool) -> Verdict:
        if self.absent is None:
            reason = f"{self.name} is {how}, and what that means is not documented"
            return Verdict(None, f"{self.name} {how}", reason, rests_on_absence=rests_on_absence)
        observed = f"{self.name} {how}, which counts as {shown(self.name, self.absent)}"
        return Verdict(self.test.holds(self.absent), observed, rests_on_absence=rests_on_absence)


@dataclass(frozen=True, slots=True)
class Plugin:
    """An active plugin, by v_plugin or where that cannot be read by sys_plugins. One that is not listed is not active."""

    id: str

    def reads(self) -> Reads:
        return {"v_plugin": frozenset({"id", "active"}), "sys_plugins": frozenset({"source", "active"})}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return f"plugin {self.id} is active"

    def steps(self) -> tuple[str, ...]:
        return (f"Under All > System Applications > All Available Applications activate the plugin {self.id}.",)

    def judge(self, reading: Reading) -> Verdict:
        active = reading.plugin(self.id)
        if isinstance(active, Obstacle):
            return Verdict(None, "", active.reason, active.acls)
        how = {True: "is active", False: "is inactive", None: "is not listed"}[active]
        return Verdict(bool(active), f"plugin {self.id} {how}")


@dataclass(frozen=True, slots=True)
class NoRows:
    """At most `at_most` rows answer the question: nobody and nothing is what `what` says.

    A row may be hidden: then finding none proves nothing. `unless` names tables whose rows acquit; where some of those
    are hidden, finding some proves nothing either.
    """

    what: str
    find: Find
    of: Mapping[str, tuple[str, ...]]
    at_most: int = 0
    unless: tuple[str, ...] = ()
    repair: tuple[str, ...] = ()
    where_missing: str = ""  # said where the instance has no such table; empty: the recommendation does not apply

    def reads(self) -> Reads:
        return {table: frozenset(columns) for table, columns in self.of.items()}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return f"at most {self.at_most} {self.what}" if self.at_most else f"no {self.what}"

    def steps(self) -> tuple[str, ...]:
        return self.repair

    def judge(self, reading: Reading) -> Verdict:
        if verdict := _blocked(reading, self.reads()):
            return verdict
        found = reading.count(self.find, self.reads())
        observed = f"{found.count:,} {self.what}"
        doubt = reading.hidden(self.unless if found.count > self.at_most else self.of)
        if doubt:
            return Verdict(None, observed, doubt.reason, doubt.acls, findings=found.count, examples=found.examples)
        return Verdict(found.count <= self.at_most, observed, findings=found.count, examples=found.examples)


@dataclass(frozen=True, slots=True)
class SomeRows:
    """At least `at_least` rows answer the question."""

    what: str
    find: Find
    of: Mapping[str, tuple[str, ...]]
    at_least: int = 1
    repair: tuple[str, ...] = ()

    def reads(self) -> Reads:
        return {table: frozenset(columns) for table, columns in self.of.items()}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return f"at least {self.at_least} {self.what}"

    def steps(self) -> tuple[str, ...]:
        return self.repair

    def judge(self, reading: Reading) -> Verdict:
        obstacle = reading.obstacle(self.reads())
        if obstacle and not obstacle.is_missing:
            return Verdict(None, "", obstacle.reason, obstacle.acls)
        found = Found(0, ()) if obstacle else reading.count(self.find, self.reads())
        observed = f"{found.count:,} {self.what}"
        doubt = reading.hidden(self.of) if found.count < self.at_least else None
        if doubt:
            return Verdict(None, observed, doubt.reason, doubt.acls)
        return Verdict(found.count >= self.at_least, observed)


@dataclass(frozen=True, slots=True)
class Counted:
    """The instance's own count of rows that are not read themselves lies within bounds."""

    question: str
    what: str
    at_least: int = 0
    at_most: int | None = None
    repair: tuple[str, ...] = ()

    def reads(self) -> Reads:
        return {"posture_count": frozenset({"question", "rows"})}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        if self.at_most is None:
            return f"at least {self.at_least:,} {self.what}"
        return f"at most {self.at_most:,} {self.what}" if self.at_most else f"no {self.what}"

    def steps(self) -> tuple[str, ...]:
        return self.repair

    def judge(self, reading: Reading) -> Verdict:
        rows = reading.answer(self.question)
        if isinstance(rows, Obstacle):
            return Verdict(None, "", rows.reason, rows.acls)
        held = rows >= self.at_least and (self.at_most is None or rows <= self.at_most)
        return Verdict(held, f"{rows:,} {self.what}", findings=None if self.at_most is None else rows)


@dataclass(frozen=True, slots=True)
class Unseen:
    """What no table of the instance shows. `because` says why, and where it is looked for instead."""

    asked: str
    because: str
    repair: tuple[str, ...] = ()
    of: Mapping[str, tuple[str, ...]] | None = None

    def reads(self) -> Reads:
        return {}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return self.asked

    def steps(self) -> tuple[str, ...]:
        return self.repair

    def judge(self, reading: Reading) -> Verdict:
        return Verdict(None, "", self.because)


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts."""

    parts: tuple[Check, ...]

    def reads(self) -> Reads:
        return _together(self.parts)

    def properties(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.properties())

    def expected(self) -> str:
        return " and ".join(part.expected() for part in self.parts)

    def steps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step for part in self.parts for step in part.steps()))

    def judge(self, reading: Reading) -> Verdict:
        return _joined([part.judge(reading) for part in self.parts], decided_by=False)


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the parts."""

    parts: tuple[Check, ...]

    def reads(self) -> Reads:
        return _together(self.parts)

    def properties(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.properties())

    def expected(self) -> str:
        return " or ".join(part.expected() for part in self.parts)

    def steps(self) -> tuple[str, ...]:
        return (f"One of these is enough: {self.expected()}.", *self.parts[0].steps())

    def judge(self, reading: Reading) -> Verdict:
        return _joined([part.judge(reading) for part in self.parts], decided_by=True)


@dataclass(frozen=True, slots=True)
class WhereReadable:
    """A part that counts only where its tables exist and can be read, and from a release on; else it is said and passes."""

    part: Check
    family: str = ""  # first release that needs it; empty: all

    def reads(self) -> Reads:
        return self.part.reads()

    def properties(self) -> tuple[str, ...]:
        return self.part.properties()

    def expected(self) -> str:
        since = f" (from {self.family.capitalize()}" if self.family else " ("
        return f"{self.part.expected()}{since}{', ' if self.family else ''}where it can be read)"

    def steps(self) -> tuple[str, ...]:
        return self.part.steps()

    def judge(self, reading: Reading) -> Verdict:
        if self.family and not is_from(reading.family, self.family):
            return Verdict(True, "")
        obstacle = reading.obstacle(self.reads())
        verdict = Verdict(None, "", obstacle.reason) if obstacle else self.part.judge(reading)
        return verdict if verdict.holds is not None else Verdict(True, f"{verdict.reason}, the property decides")


def _together(parts: tuple[Check, ...]) -> Reads:
    tables: dict[str, frozenset[str]] = {}
    for part in parts:
        for table, columns in part.reads().items():
            tables[table] = tables.get(table, frozenset()) | columns
    return tables


def _joined(verdicts: list[Verdict], *, decided_by: bool) -> Verdict:
    """Kleene's logic: one part that equals `decided_by` decides; else what is unknown stays unknown."""
    deciding = [v for v in verdicts if v.is_applicable and v.holds is decided_by]
    unknown = [v for v in verdicts if v.is_applicable and v.holds is None]
    observed = "; ".join(v.observed for v in verdicts if v.observed)
    absent = any(v.rests_on_absence for v in verdicts)
    counts = [v.findings for v in verdicts if v.findings is not None]
    findings = sum(counts) if counts else None
    examples = tuple(sorted({e for v in verdicts for e in v.examples}))[:5]
    if not deciding and unknown:
        acls = tuple(dict.fromkeys(acl for v in unknown for acl in v.acls))
        reason = "; ".join(dict.fromkeys(v.reason for v in unknown if v.reason))
        return Verdict(None, observed, reason, acls, rests_on_absence=absent, findings=findings, examples=examples)
    outside = [v for v in verdicts if not v.is_applicable]
    if not deciding and outside and (not decided_by or len(outside) == len(verdicts)):
        return Verdict(None, observed, outside[0].reason, is_applicable=False)
    holds = decided_by if deciding else not decided_by
    return Verdict(holds, observed, rests_on_absence=absent, findings=findings, examples=examples)


def _blocked(reading: Reading, reads: Reads) -> Verdict | None:
    obstacle = reading.obstacle(reads)
    if obstacle is None:
        return None
    return Verdict(None, "", obstacle.reason, obstacle.acls, is_applicable=not obstacle.is_missing)


#: Every kind of check, for tests that ask each of them.
KINDS: tuple[Callable[..., Check], ...] = (
    Property,
    Plugin,
    NoRows,
    SomeRows,
    Counted,
    Unseen,
    Every,
    Some,
    WhereReadable,
)
