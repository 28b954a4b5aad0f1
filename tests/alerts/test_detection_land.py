"""An organisation lands as a night-by-night extraction would have left it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from bench.detection.land import land
from pipelines.contracts import contract
from pipelines.emulator.organisation import Change, World
from pipelines.lake import Lake
from pipelines.state_store import StateStore

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)


def uid(letter: str) -> str:
    return letter * 32


def frame(*rows: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


WORLD = World(
    seed=0,
    start=at("2026-11-01 00:00:00"),
    end=at("2026-11-03 00:00:00"),
    tables={
        "sysevent": frame(
            {
                "sys_id": uid("a"),
                "sys_created_on": "2026-11-01 23:59:59",
                "name": "login",
                "_visible_at": "2026-11-02 09:00:00",
            },
            {"sys_id": uid("b"), "sys_created_on": "2026-11-02 00:00:00", "name": "login", "_visible_at": ""},
        ),
        "sys_attachment": frame(
            {"sys_id": uid("c"), "sys_created_on": "2026-10-02 10:00:00", "file_name": "old", "hash": "1"},
            {"sys_id": uid("d"), "sys_created_on": "2026-11-01 10:00:00", "file_name": "gone at once", "hash": "1"},
            {"sys_id": uid("e"), "sys_created_on": "2026-11-01 10:00:00", "file_name": "overwritten", "hash": "1"},
        ),
        "sys_user": frame({"sys_id": uid("1"), "user_name": "ann", "active": "true"}),
    },
    changes=(
        Change(at("2026-11-01 11:00:00"), "sys_attachment", uid("d"), None),
        Change(at("2026-11-01 11:00:00"), "sys_attachment", uid("e"), {"hash": "2"}),
        Change(at("2026-11-02 11:00:00"), "sys_attachment", uid("e"), {"hash": "3"}),
        Change(at("2026-11-02 00:00:00"), "sys_user", uid("1"), {"active": "false"}),
        Change(at("2026-11-02 08:00:00"), "sys_user", uid("2"), {"user_name": "bea", "active": "true"}),
    ),
    attachments=lambda sys_id: b"",
    network=(),
    truth={},
    accounts={},
)


def landed(folder: Path, name: str, day: date) -> list[dict[str, Any]]:
    lake = Lake(folder, StateStore(folder / "state.sqlite"))
    with lake.acquire("bench", None, owner="test", ttl=timedelta(minutes=1)) as lease:
        land(WORLD, lake, lease, "bench")
    files = lake.files(contract(name), "bench", [day])
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def test_logs_land_by_the_day_they_were_written_late_rows_included(tmp_path: Path) -> None:
    assert [row["sys_id"] for row in landed(tmp_path, "raw_servicenow__sysevent", FIRST)] == [uid("a")]


def test_a_column_that_the_source_does_not_have_is_null(tmp_path: Path) -> None:
    assert landed(tmp_path, "raw_servicenow__sysevent", SECOND)[0]["parm1"] is None


def test_slow_tables_land_as_they_stood_at_the_end_of_the_day(tmp_path: Path) -> None:
    name = "raw_servicenow__sys_user"

    assert [(row["user_name"], row["active"]) for row in landed(tmp_path, name, FIRST)] == [("ann", "true")]
    assert [(row["user_name"], row["active"]) for row in landed(tmp_path, name, SECOND)] == [
        ("ann", "false"),
        ("bea", "true"),
    ]


def test_a_file_lands_as_it_stood_at_the_end_of_the_day_it_was_made(tmp_path: Path) -> None:
    name = "raw_servicenow__sys_attachment"

    assert [(row["file_name"], row["hash"]) for row in landed(tmp_path, name, FIRST)] == [("overwritten", "2")]
    assert [row["file_name"] for row in landed(tmp_path, name, date(2026, 10, 2))] == ["old"]


def test_every_table_is_said_to_be_readable_or_missing(tmp_path: Path) -> None:
    states = {row["table"]: row["state"] for row in landed(tmp_path, "out__table_state", FIRST)}

    assert (states["sysevent"], states["syslog_transaction"]) == ("ok", "missing")
