"""The time that the mock's rows cover; imports nothing that a foreign interpreter would lack."""

from __future__ import annotations

from datetime import datetime, timedelta

BLOCK = 100_000  # rows a day
FIRST_DAY = datetime(2026, 1, 1)  # naive means UTC


def last_moment(rows: int) -> datetime:
    """The end of the last day that has rows."""
    return FIRST_DAY + timedelta(days=-(-rows // BLOCK))
