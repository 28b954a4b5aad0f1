"""Two sets of parameters over the same days, counted per day."""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.alerts.backtest import DayCount, compare
from tests.alerts.rows import detection, detections

DAYS = [date(2026, 11, 1), date(2026, 11, 2)]


def test_a_stricter_parameter_turns_alerts_into_behaviors_and_says_which_were_lost() -> None:
    first = detection("a", "2026-11-01 10:00:00")
    second = detection("b", "2026-11-02 10:00:00", actor_user_uid="u2", actor_user_uids=["u2"])
    before = [detections(first), detections(second)]
    after = [detections(first), detections(second | {"suppressed_by": "under the threshold"})]

    found = compare(duckdb.connect(), before, after, DAYS)

    assert found.days[0].before == found.days[0].after == DayCount(1, 0, 1)
    assert (found.days[1].before, found.days[1].after) == (DayCount(1, 0, 1), DayCount(0, 1, 0))
    assert (found.total.before.alerts, found.total.before.users) == (2, 2)
    assert (len(found.lost), found.gained) == (1, ())


def test_days_without_detections_count_nought() -> None:
    found = compare(duckdb.connect(), [], [], DAYS)

    assert found.total.before == found.total.after == DayCount(0, 0, 0)
