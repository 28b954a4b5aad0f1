"""What a table usually looks like, from its own earlier results: the base of volume and null-rate expectations.

The measures of a day are kept in `out__quality_result`, so history costs one small read and a backfill judges a day
by the same earlier days as the live run did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

import duckdb

from pipelines.contracts.table import CheckKind

MIN_DAYS = 7  # fewer days with rows say nothing about what is usual
MIN_SAME_KIND = 3  # so many weekend days (or weekdays) before only they are compared
TO_SIGMA = 1.4826  # a median absolute deviation of normal data times this is its standard deviation
SIGMAS = 4.0
VOLUME_FACTOR = 3.0  # a third or three times the usual volume is normal however steady the past
NULL_SLACK = 0.10


@dataclass(frozen=True, slots=True)
class PartitionStats:
    """Rows of a day's partition, and of each watched column the rows that hold nothing (null, or '' as on the wire)."""

    day: date
    rows: int
    null_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Band:
    """What GX is asked: `low` <= measure <= `high`, and the sentence about it."""

    low: float
    high: float
    said: str


def past(con: duckdb.DuckDBPyConnection, results_view: str) -> dict[str, list[PartitionStats]]:
    """Table -> its stats by day, from a view over `out__quality_result`; one query."""
    found = con.execute(
        f"""
        SELECT "table", event_date, max(rows), list("column") FILTER (WHERE "check" = $1),
               list(failed_rows) FILTER (WHERE "check" = $1)
        FROM "{results_view}" GROUP BY "table", event_date ORDER BY "table", event_date
        """,
        [CheckKind.NULLS_LIKE_HISTORY.value],
    ).fetchall()
    tables: dict[str, list[PartitionStats]] = {}
    for table, when, rows, names, nulls in found:
        stats = PartitionStats(when, int(rows or 0), dict(zip(names or (), nulls or (), strict=True)))
        tables.setdefault(table, []).append(stats)
    return tables


def usual_rows(history: Sequence[PartitionStats], day: date) -> Band:
    """Around the median of comparable days, wider where the past is noisy; weekends are compared with weekends."""
    held = [s for s in history if s.rows > 0]
    if len(held) < MIN_DAYS:
        return Band(0, math.inf, _learning(len(held), "any number of rows"))
    counts = [s.rows for s in _comparable(held, day)]
    middle = median(counts)
    factor = max(VOLUME_FACTOR, math.exp(SIGMAS * _spread([math.log(c) for c in counts])))
    chance = 3 * math.sqrt(middle)
    low, high = max(0.0, math.floor(middle / factor - chance)), math.ceil(middle * factor + chance)
    return Band(low, high, f"{low:,.0f} to {high:,.0f} rows, usually {middle:,.0f} ({len(counts)} days)")


def usual_nulls(history: Sequence[PartitionStats], column: str, rows: int, *, day: date, is_missing: bool) -> Band:
    """At most so many rows without a value as a share; a column that always held something must hold something.
    On a weekend machines are among themselves, and fewer rows name a record or a browser: weekends stand beside weekends.

    `is_missing`: no row of a source table carries the column; while learning that alone is worth a warning.
    """
    held = [s for s in history if s.rows > 0 and column in s.null_counts]
    shares = [s.null_counts[column] / s.rows for s in _comparable(held, day)]
    if len(held) < MIN_DAYS and is_missing:
        return Band(0, 1 - 0.5 / rows, "carried by at least one row")
    if len(held) < MIN_DAYS:
        return Band(0, 1, _learning(len(held), "any share of empty rows"))
    usual = median(shares)
    chance = math.sqrt(usual * (1 - usual) / max(rows, 1))
    high = usual + max(NULL_SLACK, SIGMAS * _spread(shares), SIGMAS * chance)
    if max(shares) < 1 and rows * (1 - usual) >= 10:
        high = min(high, 1 - 0.5 / rows)
    return Band(
        0, min(high, 1.0), f"at most {_percent(min(high, 1.0))} empty, usually {_percent(usual)} ({len(shares)} days)"
    )


def _comparable(held: Sequence[PartitionStats], day: date) -> Sequence[PartitionStats]:
    """The weekends before a weekend day, the weekdays before another; all days while there are too few of them."""
    same = [s for s in held if _is_weekend(s.day) == _is_weekend(day)]
    return same if len(same) >= MIN_SAME_KIND else held


def _learning(days: int, anything: str) -> str:
    return f"{anything} while learning ({days} of {MIN_DAYS} days)"


def _spread(values: Sequence[float]) -> float:
    """A standard deviation that a few odd days do not move."""
    middle = median(values)
    return TO_SIGMA * median(abs(v - middle) for v in values)


def _is_weekend(day: date) -> bool:
    return day.weekday() >= 5


def _percent(share: float) -> str:
    text = f"{100 * share:.1f}"
    return ("99.9" if text == "100.0" and share < 1 else text) + " %"
