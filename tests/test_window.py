"""Windows of time: half-open, UTC, whole."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.window import Window, days_between

START = datetime(2026, 3, 1)


def test_a_day_holds_its_first_instant_and_not_the_next_days() -> None:
    window = Window.of_day(date(2026, 2, 28))
    assert (window.start, window.end) == (datetime(2026, 2, 28), datetime(2026, 3, 1))
    assert list(window.days()) == [date(2026, 2, 28)]


def test_an_instant_with_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def test_a_window_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Window(START, START - timedelta(seconds=1))


@given(seconds=st.integers(1, 400_000), parts=st.integers(1, 50))
def test_a_split_joins_without_gap_or_overlap(seconds: int, parts: int) -> None:
    window = Window(START, START + timedelta(seconds=seconds))
    pieces = window.split(parts)
    assert pieces[0].start == window.start
    assert pieces[-1].end == window.end
    assert all(a.end == b.start for a, b in itertools.pairwise(pieces))
    assert all(p.start < p.end for p in pieces)


def test_clipping_before_the_start_gives_an_empty_window() -> None:
    window = Window.of_day(date(2026, 3, 1)).clip(datetime(2026, 2, 1))
    assert window.seconds == 0


def test_days_between_counts_both_ends() -> None:
    assert len(days_between(date(2026, 2, 27), date(2026, 3, 1))) == 3
    assert days_between(date(2026, 3, 2), date(2026, 3, 1)) == []
