"""What a check is, and what it says of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pipelines.posture.reading import Reading
from pipelines.posture.relations import Reads


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of a snapshot. `rests_on_absence`: no property that it reads has a row; None: it reads none."""

    holds: bool | None
    observed: str
    reason: str = ""
    acls: tuple[str, ...] = ()
    is_applicable: bool = True
    rests_on_absence: bool | None = None
    findings: int | None = None
    examples: tuple[str, ...] = ()


class Check(Protocol):
    """What is read, what is expected, what a snapshot says, and what repairs it."""

    def reads(self) -> Reads: ...

    def properties(self) -> tuple[str, ...]: ...

    def expected(self) -> str: ...

    def judge(self, reading: Reading) -> Verdict: ...

    def steps(self) -> tuple[str, ...]: ...
