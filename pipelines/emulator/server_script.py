"""The `javascript:` calls that a query may hold: a list of functions, not an interpreter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from pipelines.emulator.clock import WIRE

_CALL = re.compile(r"""^\s*(?:javascript:)?\s*gs\.(\w+)\(\s*(.*?)\s*\)\s*;?\s*$""", re.DOTALL)


def evaluate(text: str, now: datetime, user: str) -> str | None:
    """The value of a call as a column would hold it; None where the call is not one of ours."""
    found = _CALL.match(text)
    if found is None:
        return None
    arguments = [part.strip().strip("'\"") for part in found[2].split(",")] if found[2] else []
    if found[1] == "getUserID":
        return user
    if found[1] == "dateGenerate":
        return " ".join(arguments) if len(arguments) == 2 else None
    function = _TIMES.get(found[1])
    try:
        return function(now, *(int(a) for a in arguments)).strftime(WIRE) if function else None
    except (ValueError, TypeError, OverflowError):
        return None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _end(start: datetime, days: int = 1) -> datetime:
    return start + timedelta(days=days) - timedelta(seconds=1)


def _week(now: datetime) -> datetime:
    return _midnight(now) - timedelta(days=now.weekday())


def _month(now: datetime) -> datetime:
    return _midnight(now).replace(day=1)


_TIMES: dict[str, Callable[..., datetime]] = {
    "now": lambda now: now,
    "nowDateTime": lambda now: now,
    "minutesAgo": lambda now, n: now - timedelta(minutes=n),
    "minutesAgoStart": lambda now, n: (now - timedelta(minutes=n)).replace(second=0),
    "minutesAgoEnd": lambda now, n: (now - timedelta(minutes=n)).replace(second=59),
    "hoursAgo": lambda now, n: now - timedelta(hours=n),
    "hoursAgoStart": lambda now, n: (now - timedelta(hours=n)).replace(minute=0, second=0),
    "hoursAgoEnd": lambda now, n: (now - timedelta(hours=n)).replace(minute=59, second=59),
    "daysAgo": lambda now, n: now - timedelta(days=n),
    "daysAgoStart": lambda now, n: _midnight(now) - timedelta(days=n),
    "daysAgoEnd": lambda now, n: _end(_midnight(now) - timedelta(days=n)),
    "beginningOfToday": _midnight,
    "endOfToday": lambda now: _end(_midnight(now)),
    "beginningOfYesterday": lambda now: _midnight(now) - timedelta(days=1),
    "endOfYesterday": lambda now: _end(_midnight(now) - timedelta(days=1)),
    "beginningOfTomorrow": lambda now: _midnight(now) + timedelta(days=1),
    "endOfTomorrow": lambda now: _end(_midnight(now) + timedelta(days=1)),
    "beginningOfThisWeek": _week,
    "endOfThisWeek": lambda now: _end(_week(now), 7),
    "beginningOfLastWeek": lambda now: _week(now) - timedelta(days=7),
    "endOfLastWeek": lambda now: _end(_week(now) - timedelta(days=7), 7),
    "beginningOfThisMonth": _month,
    "beginningOfLastMonth": lambda now: _month(_month(now) - timedelta(days=1)),
    "endOfLastMonth": lambda now: _month(now) - timedelta(seconds=1),
}
