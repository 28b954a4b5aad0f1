"""The security product writes down each list that left as a file, and without it nothing is lost but the rows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from pipelines.emulator.organisation import Population, World, generate
from pipelines.emulator.organisation.export_log import TABLE, export_events
from tests.conform.night import Night

USERS = pl.DataFrame({"user_name": ["ann"], "sys_id": ["a" * 32]})


def _request(url: str, **values: str) -> dict[str, str]:
    given = {"sys_id": "0123456789abcdef" * 2, "sys_created_on": "2026-11-01 10:00:00", "sys_created_by": "ann", "type": "export",
             "status": "200", "output_length": "7019"}  # fmt: skip
    return {**given, "url": url, **values}


def _events(*requests: dict[str, str], until: str = "2026-11-02 00:00:00") -> pl.DataFrame:
    return export_events(pl.DataFrame(requests), USERS, until)


def test_an_export_is_written_down_with_table_rows_and_bytes() -> None:
    (event,) = _events(_request("/task_list.do?EXCEL&sysparm_query=active=true")).to_dicts()
    assert (event["user"], event["user_name"], event["table"], event["size"]) == ("a" * 32, "ann", "task", "7019")
    assert 16 <= int(event["records"]) <= 38
    assert event["sys_created_on"] in {f"2026-11-01 10:00:0{second}" for second in range(3)}


def test_no_export_has_more_rows_than_the_platform_allows() -> None:
    assert _events(_request("/sys_user_list.do?CSV", output_length="64000000"))["records"].to_list() == ["10000"]


def test_what_failed_what_the_api_read_and_what_lies_beyond_the_end_is_not_written_down() -> None:
    url = "/task_list.do?CSV"
    assert _events(_request(url, status="500")).is_empty()
    assert _events(_request("/api/now/table/task?CSV", type="rest")).is_empty()
    assert _events(_request("/task_list.do?sysparm_query=CSV")).is_empty()
    assert _events(_request(url), until="2026-11-01 10:00:00").is_empty()


def test_every_export_request_of_the_organisation_has_its_event(world: World, requests: pl.DataFrame) -> None:
    exports = requests.filter(pl.col("type") == "export", pl.col("time") < world.end - timedelta(seconds=3))
    events = world.tables[TABLE]
    assert exports.height > 200
    of_requests, of_events = (
        Counter(rows.select("sys_created_by", size).rows())
        for rows, size in ((exports, "output_length"), (events, "size"))
    )
    assert not of_requests - of_events
    assert set(events["user"]) <= set(world.tables["sys_user"]["sys_id"])
    assert str(world.start) <= str(events["sys_created_on"].min())
    assert str(events["sys_created_on"].max()) < str(world.end)


def test_an_instance_without_the_product_has_no_such_table_and_every_other_row() -> None:
    with_it, without = (generate(3, 40, 2, 0, population=Population(export_log=log)) for log in (True, False))
    assert TABLE not in without.tables
    for name, rows in without.tables.items():
        assert_frame_equal(rows, with_it.tables[name])


def _exported(world: World, *logs: str) -> list[dict[str, Any]]:
    """The exports of a working day, derived from these logs alone."""
    day = (world.end - timedelta(days=1)).date()
    night = Night(day)
    for log in logs:
        rows = world.tables[log].filter(pl.col("sys_created_on").str.slice(0, 10) == str(day))
        if log != TABLE:
            rows = rows.filter(pl.col("type") == "export")
        night.rows[log] += rows.to_dicts()
    return [row for row in night.activities() if row["activity_name"] == "exported"]


def test_no_export_is_counted_twice_and_none_is_lost_with_the_table_or_without(world: World) -> None:
    with_it, without = _exported(world, "syslog_transaction", TABLE), _exported(world, "syslog_transaction")
    what = ("actor_user_name", "resource_type", "bytes", "src_ip", "user_agent")
    seen = [Counter(tuple(row.get(name) for name in what) for row in rows) for rows in (with_it, without)]
    assert len(with_it) > 5
    assert seen[0] == seen[1]
    assert all(row["row_count"] for row in with_it)
