"""Checks made of checks, and the three-valued logic that joins them."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.posture.checks.core import Check, Verdict
from pipelines.posture.checks.rows import NoRows, Undecided
from pipelines.posture.checks.settings import Property
from pipelines.posture.reading import Reading
from pipelines.posture.relations import Reads
from pipelines.posture.releases import is_from


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts."""

    parts: tuple[Check, ...]

    def reads(self) -> Reads:
        return _together(self.parts)

    def properties(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.properties())

    def expected(self) -> str:
        asked = [said for part in self.parts if (said := part.expected())]
        return ("; " if len(asked) > 2 else " and ").join(asked)

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
class Where:
    """A part that applies only where a condition holds; `otherwise` says what is the case where it does not."""

    condition: Check
    part: Check
    otherwise: str

    def reads(self) -> Reads:
        return _together((self.condition, self.part))

    def properties(self) -> tuple[str, ...]:
        return (*self.condition.properties(), *self.part.properties())

    def expected(self) -> str:
        return f"{self.part.expected()}, where {self.condition.expected()}"

    def steps(self) -> tuple[str, ...]:
        return self.part.steps()

    def judge(self, reading: Reading) -> Verdict:
        condition = self.condition.judge(reading)
        if condition.holds is None:
            return condition
        if not condition.holds:
            return Verdict(None, condition.observed, self.otherwise, is_applicable=False)
        return _joined([condition, self.part.judge(reading)], decided_by=False)


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


def settings_in(check: Check) -> tuple[Property, ...]:
    """The properties that a check is made of, in the order of its parts."""
    if isinstance(check, Property):
        return (check,)
    if isinstance(check, Every | Some):
        return tuple(name for part in check.parts for name in settings_in(part))
    if isinstance(check, Where):
        return (*settings_in(check.condition), *settings_in(check.part))
    return settings_in(check.part) if isinstance(check, WhereReadable) else ()


def row_checks(check: Check) -> tuple[NoRows | Undecided, ...]:
    """The parts of a check that find rows against it, in order; of a condition only what it is a condition for."""
    if isinstance(check, NoRows | Undecided):
        return (check,)
    if isinstance(check, Every | Some):
        return tuple(found for part in check.parts for found in row_checks(part))
    return row_checks(check.part) if isinstance(check, Where | WhereReadable) else ()


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
    rests = [v.rests_on_absence for v in verdicts if v.rests_on_absence is not None]
    absent = all(rests) if rests else None
    counts = [v.findings for v in verdicts if v.findings is not None]
    findings = sum(counts) if counts else None
    examples = tuple(sorted({e for v in verdicts for e in v.examples}))[:5]
    if not deciding and unknown:
        acls = tuple(dict.fromkeys(acl for v in unknown for acl in v.acls))
        reason = "; ".join(dict.fromkeys(said for v in unknown if v.reason for said in v.reason.split("; ")))
        return Verdict(None, observed, reason, acls, rests_on_absence=absent, findings=findings, examples=examples)
    outside = [v for v in verdicts if not v.is_applicable]
    if not deciding and outside and (not decided_by or len(outside) == len(verdicts)):
        return Verdict(None, observed, outside[0].reason, is_applicable=False)
    holds = decided_by if deciding else not decided_by
    return Verdict(holds, observed, rests_on_absence=absent, findings=findings, examples=examples)
