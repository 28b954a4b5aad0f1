"""What a scenario is, and the rows and changes that scenarios write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipelines.emulator.organisation.content import Body
from pipelines.emulator.organisation.world import Change, Listing

if TYPE_CHECKING:
    from pipelines.emulator.organisation.act import Act


class NotEnoughPeopleError(Exception):
    """The organisation is too small, or its period too short, for this scenario."""


@dataclass(frozen=True)
class Scene:
    """One kind of incident. `policies` may rightly report it, the first being its own; for benign ones they are those whose
    definition it literally meets. `tempts` are policies that a naive rule would raise. `days` is how many days it takes.
    """

    name: str
    kind: Literal["attack", "benign"]
    difficulty: Literal["easy", "medium", "hard", "expert"]
    policies: tuple[str, ...]
    note: str
    play: Callable[[Act], None]
    tempts: tuple[str, ...] = ()
    days: int = 1
    last_night: bool = False
    any_day: bool = False


@dataclass
class Script:
    """What one act writes: rows as plain Python values by table, and everything that goes with them."""

    rows: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    changes: list[Change] = field(default_factory=list)
    directory: list[Change] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    departures: list[tuple[int, int, int]] = field(default_factory=list)  # user, from, until: no ordinary life between
