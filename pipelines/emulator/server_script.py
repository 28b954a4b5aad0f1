"""The `javascript:` calls that a query may hold: a list of functions, not an interpreter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from pipelines.emulator.clock import WIRE

_CALL = re.compile(r"""^\s*(?:javascript:)?\s*gs\.(\w+)\(\s*(.*?)\s*\)\s*;?\s*$""", re.DOTALL)
_USER_CALLS = ("getUserID", "getUser().getID")
_DAY_ENDS = {"start": "00:00:00", "end": "23:59:59"}
_SECOND = timedelta(seconds=1)
Start = Callable[[datetime, int], datetime]


def evaluate(text: str, now: datetime, user: str) -> str | None:
    """The value of a call as a column would hold it; None where the call is not one of ours."""
    found = _CALL.match(text.replace("gs.getUser().getID()", "gs.getUserID()"))
    if found is None:
        return None
    arguments = [part.strip().strip("'\"") for part in found[2].split(",")] if found[2] else []
    if found[1] == "getUserID":
        return user
    if found[1] == "dateGenerate":
        return " ".join((arguments[0], _DAY_ENDS.get(arguments[1], arguments[1]))) if len(arguments) == 2 else None
    function = _TIMES.get(found[1])
    try:
        return function(now, *(int(a) for a in arguments)).strftime(WIRE) if function else None
    except (ValueError, TypeError, OverflowError):
        return None


def calls() -> tuple[str, ...]:
    """The names of all calls, for the page that lists them."""
    return ("dateGenerate", *_USER_CALLS, *_TIMES)


def _minute(now: datetime, shift: int = 0) -> datetime:
    return now.replace(second=0, microsecond=0) + timedelta(minutes=shift)


def _hour(now: datetime, shift: int = 0) -> datetime:
    return _minute(now).replace(minute=0) + timedelta(hours=shift)


def _day(now: datetime, shift: int = 0) -> datetime:
    return _hour(now).replace(hour=0) + timedelta(days=shift)


def _week(now: datetime, shift: int = 0) -> datetime:
    """Weeks begin on Monday."""
    return _day(now, 7 * shift - now.weekday())


def _month(now: datetime, shift: int = 0) -> datetime:
    months = now.year * 12 + now.month - 1 + shift
    return _day(now).replace(year=months // 12, month=months % 12 + 1, day=1)


def _quarter(now: datetime, shift: int = 0) -> datetime:
    return _month(now, 3 * shift - (now.month - 1) % 3)


def _year(now: datetime, shift: int = 0) -> datetime:
    return _month(now, 12 * shift - (now.month - 1))


def _months_before(now: datetime, months: int) -> datetime:
    """The same day of an earlier month, or its last day where there is no such day."""
    first = _month(now, -months)
    last = _month(now, 1 - months) - timedelta(days=1)
    return first.replace(day=min(now.day, last.day), hour=now.hour, minute=now.minute, second=now.second)


_UNITS: dict[str, Start] = {
    "Minute": _minute, "Hour": _hour, "Day": _day, "Week": _week, "Month": _month, "Quarter": _quarter, "Year": _year,
}  # fmt: skip
_DAYS = {"Yesterday": -1, "Today": 0, "Tomorrow": 1}
_WHICH = {"Last": -1, "This": 0, "Current": 0, "Next": 1}


def _ago(start: Start) -> dict[str, Callable[..., datetime]]:
    """`Start` and `End` of the n-th unit before this one."""
    return {"Start": lambda now, n: start(now, -n), "End": lambda now, n: start(now, 1 - n) - _SECOND}


def _span(name: str, start: Start, shift: int) -> dict[str, Callable[..., datetime]]:
    return {
        f"beginningOf{name}": lambda now: start(now, shift),
        f"endOf{name}": lambda now: start(now, shift + 1) - _SECOND,
    }


_TIMES: dict[str, Callable[..., datetime]] = {
    "now": lambda now: now,
    "nowDateTime": lambda now: now,
    "secondsAgo": lambda now, n: now - timedelta(seconds=n),
    "minutesAgo": lambda now, n: now - timedelta(minutes=n),
    "hoursAgo": lambda now, n: now - timedelta(hours=n),
    "daysAgo": lambda now, n: now - timedelta(days=n),
    "weeksAgo": lambda now, n: now - timedelta(weeks=n),
    "monthsAgo": _months_before,
    "quartersAgo": lambda now, n: _months_before(now, 3 * n),
    "yearsAgo": lambda now, n: _months_before(now, 12 * n),
    "beginningOfOneYearAgo": lambda now: _day(_months_before(now, 12)),
    **{f"{unit.lower()}sAgo{side}": made for unit, start in _UNITS.items() for side, made in _ago(start).items()},
    **{name: made for day, shift in _DAYS.items() for name, made in _span(day, _day, shift).items()},
    **{
        name: made
        for unit, start in _UNITS.items()
        if unit != "Day"
        for which, shift in _WHICH.items()
        for name, made in _span(which + unit, start, shift).items()
    },
}
