"""Checks of rows: few that speak against, some that leave a doubt, enough that speak for, a count, what no table shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.posture.checks.core import Verdict
from pipelines.posture.reading import Found, Obstacle, Reading
from pipelines.posture.relations import Find, Reads


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
class Undecided:
    """Rows that may offend and of which the instance does not show whether they do: any of them leaves it unknown."""

    what: str
    find: Find
    of: Mapping[str, tuple[str, ...]]
    because: str

    def reads(self) -> Reads:
        return {table: frozenset(columns) for table, columns in self.of.items()}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return ""  # nothing is asked for: such rows may stay

    def steps(self) -> tuple[str, ...]:
        return ()

    def judge(self, reading: Reading) -> Verdict:
        if verdict := _blocked(reading, self.reads()):
            return verdict
        found = reading.count(self.find, self.reads())
        if found.count:
            return Verdict(None, f"{found.count:,} {self.what}", self.because, examples=found.examples)
        doubt = reading.hidden(self.of)
        return Verdict(None, "", doubt.reason, doubt.acls) if doubt else Verdict(True, "")


@dataclass(frozen=True, slots=True)
class SomeRows:
    """At least `at_least` rows answer the question. `is_optional`: where there is no such table it does not apply."""

    what: str
    find: Find
    of: Mapping[str, tuple[str, ...]]
    at_least: int = 1
    repair: tuple[str, ...] = ()
    is_optional: bool = False

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
        if obstacle and obstacle.is_missing and self.is_optional:
            return Verdict(None, "", obstacle.reason, is_applicable=False)
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


def _blocked(reading: Reading, reads: Reads) -> Verdict | None:
    obstacle = reading.obstacle(reads)
    if obstacle is None:
        return None
    return Verdict(None, "", obstacle.reason, obstacle.acls, is_applicable=not obstacle.is_missing)
