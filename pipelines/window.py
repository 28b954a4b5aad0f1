"""Time as an argument: half-open windows in UTC, and the days that they cover.

Instants are naive `datetime`s that mean UTC everywhere in this project (decision 0003): the wire format has no zone,
and neither DuckDB's nor Spark's session zone can then change a result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """All instants t with `start` <= t < `end`, in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("a Window holds naive datetimes that mean UTC")
        if self.end < self.start:
            raise ValueError(f"a Window cannot end ({self.end}) before it starts ({self.start})")

    @classmethod
    def of_day(cls, day: date) -> Window:
        start = datetime.combine(day, time.min)
        return cls(start, start + DAY)

    @classmethod
    def of_days(cls, first: date, last: date) -> Window:
        """From the first instant of `first` to the last of `last`, both included."""
        return cls(datetime.combine(first, time.min), datetime.combine(last, time.min) + DAY)

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    def days(self) -> Iterator[date]:
        """Each UTC day that the window touches, in order."""
        day = self.start.date()
        while datetime.combine(day, time.min) < self.end:
            yield day
            day += DAY

    def clip(self, end: datetime) -> Window:
        """The part before `end`; empty (start == end) where the window lies wholly after it."""
        return Window(self.start, max(self.start, min(self.end, end)))

    def split(self, parts: int) -> list[Window]:
        """`parts` windows of whole seconds, in order, that join without gap or overlap."""
        step = max(1, int(self.seconds // parts)) if parts > 0 else 1
        edges = [self.start + timedelta(seconds=step * i) for i in range(parts)]
        edges = [edge for edge in edges if edge < self.end] or [self.start]
        return [Window(lo, hi) for lo, hi in zip(edges, [*edges[1:], self.end], strict=True)]


def utc_now() -> datetime:
    """The wall clock. Only the edge may ask (cli, dags, state store): everything else takes time as an argument."""
    return datetime.now(UTC).replace(tzinfo=None)


def days_between(first: date, last: date) -> list[date]:
    """Both ends included; empty where `last` lies before `first`."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]
