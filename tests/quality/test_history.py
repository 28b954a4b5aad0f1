"""What is usual is said by comparable days."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.quality.history import PartitionStats, usual_nulls, usual_rows

MONDAY = date(2026, 3, 2)


def month(weekday_nulls: float, weekend_nulls: float) -> list[PartitionStats]:
    """Four weeks of a thousand rows a weekday and two hundred a weekend day."""
    days = [MONDAY + timedelta(days=n) for n in range(28)]
    return [
        PartitionStats(d, rows, {"uri": int(rows * (weekend_nulls if rows == 200 else weekday_nulls))})
        for d in days
        for rows in [200 if d.weekday() >= 5 else 1000]
    ]


def test_a_weekend_stands_beside_weekends() -> None:
    past = month(0.2, 0.8)
    saturday, tuesday = MONDAY + timedelta(days=33), MONDAY + timedelta(days=29)
    assert usual_nulls(past, "uri", 200, day=saturday, is_missing=False).high > 0.8
    assert usual_nulls(past, "uri", 1000, day=tuesday, is_missing=False).high < 0.4
    assert usual_rows(past, saturday).high < 1000
    assert usual_rows(past, tuesday).low > 200


def test_while_there_are_few_weekends_all_days_are_compared() -> None:
    past = month(0.2, 0.8)[:8]
    assert usual_nulls(past, "uri", 200, day=MONDAY + timedelta(days=12), is_missing=False).said.endswith("(8 days)")
