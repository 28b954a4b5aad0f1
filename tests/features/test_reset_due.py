"""A change of the password that is due is followed from day to day until it is made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipelines.policies.cases import DAY, INSTANCE, activity, login
from pipelines.policies.core import Row
from tests.features.nights import Nights

TABLE = "state__reset_due"


def followed(*days: tuple[bool | None, Row | None]) -> list[Mapping[str, Any]]:
    """What is known of Ann after days of (a change is due, what she did)."""
    dates = [DAY + timedelta(days=n) for n in range(len(days))]
    by_day = {day: _rows(day, is_due, done) for day, (is_due, done) in zip(dates, days, strict=True)}
    return Nights(only=(TABLE,)).build(by_day, dates).rows(TABLE, dates[-1])


def _rows(day: date, is_due: bool | None, done: Row | None) -> list[Row]:
    key = {"instance": INSTANCE, "event_date": day}
    account = Row("core__user", {**key, "user_uid": "uid-ann", "is_password_reset_due": is_due})
    if done is None:
        return [account]
    later = {**done.values, **key, "time": done.values["time"] + (day - DAY)}
    return [account, Row(done.table, later)]


def test_it_is_due_since_the_end_of_the_first_day_and_that_day_does_not_count() -> None:
    (row,) = followed((True, login("ann", "08:00")))

    assert row["due_since"] == datetime.combine(DAY, datetime.min.time()) + timedelta(days=1)
    assert row["used_days"] == 0


def test_each_later_day_with_the_password_counts_once() -> None:
    (row,) = followed((True, None), (True, login("ann", "08:00")), (True, None), (True, login("ann", "09:00")))

    assert row["used_days"] == 2


@pytest.mark.parametrize(
    "done",
    [
        login("ann", "08:00", detail="single sign-on"),
        login("ann", "08:00", status="failure"),
        login("ann", "08:00", is_integration=True),
        activity("ann", "08:00", "page_viewed"),
    ],
)
def test_what_is_no_login_by_password_does_not_count(done: Row) -> None:
    (row,) = followed((True, None), (True, done))

    assert row["used_days"] == 0


def test_a_change_that_was_made_is_forgotten_and_begins_anew() -> None:
    assert followed((True, None), (False, login("ann", "08:00"))) == []
    (row,) = followed((True, None), (False, None), (True, login("ann", "08:00")))
    assert row["used_days"] == 0


def test_a_day_without_a_snapshot_of_its_own_keeps_what_was_known() -> None:
    (row,) = followed((True, None), (None, login("ann", "08:00")))

    assert (row["used_days"], row["due_since"].date()) == (1, DAY + timedelta(days=1))
    assert followed((None, login("ann", "08:00"))) == []
