"""What other parameters would have raised: two sets of detections over the same days, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.alerts.fold import fold
from pipelines.contracts import contract
from pipelines.contracts.table import empty


@dataclass(frozen=True, slots=True)
class DayCount:
    """Alerts whose behaviour was last seen on the day, behaviors likewise, and users concerned by the alerts."""

    alerts: int
    behaviors: int
    users: int


@dataclass(frozen=True, slots=True)
class BacktestDay:
    day: date
    before: DayCount
    after: DayCount


@dataclass(frozen=True)
class Backtest:
    """Day by day and in total; `gained` and `lost` are alert uids that only one side raised."""

    days: tuple[BacktestDay, ...]
    total: BacktestDay
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def compare(
    con: duckdb.DuckDBPyConnection, before: Sequence[pa.Table], after: Sequence[pa.Table], days: Sequence[date]
) -> Backtest:
    """`before` and `after` hold one table of `out__detection` per day of `days`; nothing is written anywhere."""
    sides = [_folded(con, before), _folded(con, after)]
    counted = tuple(BacktestDay(day, *(_count(*side, [day]) for side in sides)) for day in days)
    total = BacktestDay(days[-1], *(_count(*side, days) for side in sides))
    raised = [set(alerts["alert_uid"]) for alerts, _ in sides]
    return Backtest(counted, total, tuple(sorted(raised[1] - raised[0])), tuple(sorted(raised[0] - raised[1])))


def _folded(con: duckdb.DuckDBPyConnection, tables: Sequence[pa.Table]) -> tuple[pl.DataFrame, pl.DataFrame]:
    detections = pa.concat_tables([empty(contract("out__detection")), *tables])
    found = fold(con, detections, empty(contract("out__detection_evidence")), budgets={})
    alerts, behaviors = (pl.DataFrame(frame) for frame in (found.alerts, found.behaviors))
    return alerts.filter(~pl.col("is_summary")), behaviors


def _count(alerts: pl.DataFrame, behaviors: pl.DataFrame, days: Iterable[date]) -> DayCount:
    on_days = pl.col("event_date").is_in(list(days))
    raised = alerts.filter(on_days)
    users = raised["actor_user_uids"].explode().drop_nulls().n_unique()
    return DayCount(raised.height, behaviors.filter(on_days).height, users)
