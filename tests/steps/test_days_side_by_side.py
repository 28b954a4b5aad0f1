"""How many days are derived at a time: as many as threads, a very large one alone."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.steps import conform

DAYS = [date(2026, 3, n) for n in (1, 2, 3)]


def night(rows: int, threads: int = 2) -> Any:
    ledger = SimpleNamespace(rows_by_day=lambda instance, table: dict.fromkeys(DAYS, rows))
    return SimpleNamespace(
        instance="acme", lake=SimpleNamespace(ledger=ledger), settings=SimpleNamespace(threads=threads)
    )


@pytest.mark.parametrize(
    ("rows", "days", "expected"),
    [(1_000, DAYS, 2), (1_000, DAYS[:1], 1), (1_000, [], 1), (conform.BIG_DAY, DAYS, 1), (conform.BIG_DAY, [], 1)],
)
def test_a_day_has_its_share_of_the_memory_or_all_of_it(rows: int, days: list[date], expected: int) -> None:
    assert conform._at_once(night(rows), days) == expected
