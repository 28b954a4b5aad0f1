"""Accounts that end and come back, carried from day to day: told, seen, or seen to be well again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from pipelines.policies.cases import DAY, INSTANCE, activity, at, identity
from pipelines.policies.core import Row
from tests.features.nights import Nights

CON = duckdb.connect(config={"threads": 1})
NEXT = DAY + timedelta(days=1)


def move(name: str, when: str, by: str = "svc.hr", *, machine: bool = True, **values: Any) -> Row:
    given = {
        "actor_user_uid": f"uid-{by}",
        "resource_type": "sys_user",
        "resource_uid": "uid-ann",
        "is_integration": machine,
    }
    return activity(by, when, name, **{**given, **values})


def account(day: date, **values: Any) -> Row:
    row = {
        "instance": INSTANCE,
        "event_date": day,
        "user_uid": "uid-ann",
        "user_name": "ann",
        "is_active": True,
        "profile_source": "observed",
    }
    return Row("core__user", {**row, **values})


def person(day: date, **values: Any) -> Row:
    return identity("ann", event_date=day, **values)


def after(*days: list[Row]) -> dict[str, Any] | None:
    """Ann's row at the end of the last of these days, which begin with DAY."""
    dates = [DAY + timedelta(days=n) for n in range(len(days))]
    run = Nights(CON, only=("state__departure",)).build(dict(zip(dates, days, strict=True)), dates)
    rows = run.rows("state__departure", dates[-1])
    assert len(rows) <= 1
    return rows[0] if rows else None


def told(row: dict[str, Any] | None) -> dict[str, Any]:
    assert row is not None
    return {
        k: v
        for k, v in row.items()
        if v is not None and k not in ("instance", "event_date", "user_uid", "directory_id")
    }


def test_nobody_who_is_well_is_kept() -> None:
    assert after([account(DAY), person(DAY), activity("ann", "08:00", "page_viewed")]) is None


def test_switched_off_has_the_time_told_and_keeps_it() -> None:
    off = [move("user_disabled", "14:00"), account(DAY, is_active=False, updated_at=at("14:00"))]

    again = after(off, [account(NEXT, is_active=False, updated_at=at("1 03:00"))])

    assert told(again) == {"off_since": at("14:00"), "off_by": "svc.hr"}


def test_off_that_nobody_told_is_off_since_the_row_changed() -> None:
    assert told(after([account(DAY, is_active=False, updated_at=at("-9 03:00"))])) == {"off_since": at("-9 03:00")}
    assert told(after([account(DAY, is_active=False)])) == {"off_since": at("1 00:00")}


def test_a_reconstructed_profile_does_not_clear_what_was_told() -> None:
    off = [move("user_disabled", "14:00")]

    assert told(after(off, [account(NEXT, profile_source="reconstructed")]))["off_since"] == at("14:00")
    assert after(off, [account(NEXT)]) is None


@pytest.mark.parametrize(
    ("by", "machine", "is_regular"),
    [("svc.hr", True, True), ("root", False, False), ("svc.other", True, True), ("svc.hr", False, True)],
)
def test_who_came_back_and_by_whose_hand(by: str, machine: bool, is_regular: bool) -> None:
    back = after(
        [move("user_disabled", "14:00", machine=machine)], [move("user_enabled", "1 07:00", by, machine=machine)]
    )

    assert told(back) == {
        "on_since": at("1 07:00"), "on_by": by, "was_off_since": at("14:00"), "is_regular_return": is_regular,
    }  # fmt: skip


def test_a_return_is_forgotten_after_a_month() -> None:
    days = [[move("user_disabled", "14:00")], [move("user_enabled", "1 07:00")], *([] for _ in range(31))]

    assert after(*days[:20]) is not None
    assert after(*days) is None


def test_off_on_and_off_within_a_day_is_off_since_the_last() -> None:
    row = after([move("user_disabled", "08:00"), move("user_enabled", "09:00"), move("user_disabled", "10:00", nth=1)])

    assert told(row) == {"off_since": at("10:00"), "off_by": "svc.hr"}


def test_locks_count_only_from_another_hand() -> None:
    assert told(after([move("user_locked", "08:00", "root", machine=False)])) == {"locked_since": at("08:00")}
    assert after([move("user_locked", "08:00", "ann", machine=False)]) is None
    assert after([move("user_locked", "08:00", "system", is_system=True)]) is None
    assert after([move("user_locked", "08:00", "root")], [move("user_unlocked", "1 09:00", "root")]) is None


def test_disabled_counts_from_the_first_sight_and_ends_when_enabled() -> None:
    off = {"is_enabled": False}
    days = [[person(DAY, **off)], [person(NEXT, **off, seen_at=at("2 01:00"))]]

    assert told(after(*days)) == {"disabled_since": at("1 01:00")}
    assert told(after(*days, []))["disabled_since"] == at("1 01:00"), "a night without the directory"
    assert after(*days, [person(DAY + timedelta(days=2))]) is None


def test_a_later_snapshot_neither_disables_nor_enables() -> None:
    unknown = {"is_enabled": None, "profile_source": "reconstructed"}
    assert after([person(DAY, **unknown)]) is None
    assert told(after([person(DAY, is_enabled=False)], [person(NEXT, **unknown)]))["disabled_since"] == at("1 01:00")


def test_deleted_is_remembered_after_the_purge_and_forgotten_when_made_anew() -> None:
    gone = {"is_enabled": None, "is_deleted": True, "deleted_at": at("13:00")}
    purged = person(NEXT, match_state="unmatched", is_enabled=None, is_deleted=None, directory_id=None)

    assert told(after([person(DAY, **gone)], [purged])) == {"deleted_at": at("13:00")}
    assert after([person(DAY, **gone)], [person(NEXT)]) is None


def test_the_leave_date_is_the_directorys_latest_word() -> None:
    assert told(after([person(DAY, leave_at=at("3 00:00"))])) == {"left_at": at("3 00:00")}
    assert after([person(DAY, leave_at=at("3 00:00"))], [person(NEXT)]) is None
