"""Table x day: what is landed, empty, failed or missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.contracts import registry
from pipelines.lake.ledger import Partition
from pipelines.lake.partitions import Lake
from pipelines.window import days_between


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One instance: its days and per table a cell per day."""

    name: str
    days: tuple[date, ...]
    cells: dict[str, dict[date, Partition]]

    def rows(self) -> list[list[str]]:
        """A row per table: rows as counted, 0 looked at and empty, `.` not landed, `!` failed a stop check."""
        return [[table, *(_cell(found.get(day)) for day in self.days)] for table, found in self.cells.items()]


@dataclass(frozen=True, slots=True)
class Status:
    instances: tuple[InstanceStatus, ...]


def status(lake: Lake, *, days: int = 14) -> Status:
    """The last `days` days of every instance, by the ledger alone."""
    found = []
    for name in lake.ledger.instances():
        parts = lake.ledger.all(name)
        last = max(p.day for p in parts)
        shown = tuple(days_between(last - timedelta(days=days - 1), last))
        cells: dict[str, dict[date, Partition]] = {table: {} for table in registry()}
        for part in parts:
            cells.setdefault(part.table, {})[part.day] = part
        found.append(InstanceStatus(name, shown, {table: held for table, held in cells.items() if held}))
    return Status(tuple(found))


def _cell(part: Partition | None) -> str:
    if part is None:
        return "."
    return f"!{part.rows:,}" if part.quality == "failed" else f"{part.rows:,}"
