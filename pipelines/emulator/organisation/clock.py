"""Epoch seconds and the naive UTC instants that cross the project."""

from __future__ import annotations

from datetime import date, datetime, timedelta

EPOCH = datetime(1970, 1, 1)
DAY = 86_400
HOUR = 3_600


def instant(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=int(seconds))


def moment(seconds: int) -> str:
    """As stored: 'YYYY-MM-DD HH:MM:SS'."""
    return f"{instant(seconds):%Y-%m-%d %H:%M:%S}"


def midnight(day: date) -> datetime:
    return EPOCH + timedelta(days=(day - EPOCH.date()).days)


def epoch(day: date) -> int:
    """Epoch seconds of that day's midnight UTC."""
    return (day - EPOCH.date()).days * DAY
