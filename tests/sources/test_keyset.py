"""Reading by keyset: every visible row once, whatever the ties, ACLs, insertions and page sizes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.window import Window
from tests.sources.conftest import QUICK, WINDOW, expected, ids, landed, read
from tests.sources.instance import NOW, Instance, log_rows, running, wire


def test_every_row_comes_once_and_in_the_contracts_order(instance: Instance, tmp_path: Path) -> None:
    got = read(instance, tmp_path)["sysevent"]
    assert (got.state, got.rows, got.hidden_rows, got.missing_columns) == ("ok", 100, 0, ())
    assert ids(got) == expected(instance)
    assert landed(got).schema.names == list(got.table.columns)


def test_no_request_uses_an_offset_a_display_value_or_a_cookie(instance: Instance, tmp_path: Path) -> None:
    read(instance, tmp_path, "sysevent", "sys_user")
    for _, query, headers, _ in instance.calls:
        assert "cookie" not in headers
        assert "sysparm_offset" not in query
        assert query.get("sysparm_display_value", "false") == "false"
        assert "^NQ" not in query.get("sysparm_query", "")


def test_a_second_that_fills_pages_is_drained_by_sys_id(instance: Instance, tmp_path: Path) -> None:
    instance.rows["sysevent"] = log_rows(400, ties=170)
    assert ids(read(instance, tmp_path)["sysevent"]) == expected(instance)


def test_a_page_hidden_whole_does_not_end_the_window(instance: Instance, tmp_path: Path) -> None:
    rows = instance.rows["sysevent"] = log_rows(300)
    shown = {r["sys_id"] for r in rows[:10]} | {r["sys_id"] for r in rows[200:210]}
    instance.hidden["sysevent"] = lambda row: row["sys_id"] not in shown
    got = read(instance, tmp_path)["sysevent"]
    assert ids(got) == expected(instance, keep=lambda r: r["sys_id"] in shown)
    assert got.hidden_rows == 280


def test_rows_visible_only_in_the_middle_are_found(instance: Instance, tmp_path: Path) -> None:
    rows = instance.rows["sysevent"] = log_rows(1200, step=70)
    shown = {r["sys_id"] for r in rows[500:620]}
    instance.hidden["sysevent"] = lambda row: row["sys_id"] not in shown
    got = read(instance, tmp_path)["sysevent"]
    assert ids(got) == expected(instance, keep=lambda r: r["sys_id"] in shown)


def test_a_full_second_with_hidden_rows_is_read_to_its_end(instance: Instance, tmp_path: Path) -> None:
    rows = instance.rows["sysevent"] = log_rows(300, ties=300)
    shown = set(sorted(r["sys_id"] for r in rows)[-5:])
    instance.hidden["sysevent"] = lambda row: row["sys_id"] not in shown
    assert set(ids(read(instance, tmp_path)["sysevent"])) == shown


def test_a_table_that_shows_nothing_is_denied_and_not_quiet(instance: Instance, tmp_path: Path) -> None:
    for count in (3, 300):
        instance.rows["sysevent"] = log_rows(count)
        instance.hidden["sysevent"] = lambda row: True
        got = read(instance, tmp_path / str(count))["sysevent"]
        assert (got.state, got.rows, got.parts) == ("denied", 0, {})
        assert "none is shown" in got.reason


def test_without_counts_in_headers_the_aggregate_api_is_asked(instance: Instance, tmp_path: Path) -> None:
    instance.counts = False
    rows = instance.rows["sysevent"] = log_rows(300)
    shown = {r["sys_id"] for r in rows[::50]}
    instance.hidden["sysevent"] = lambda row: row["sys_id"] not in shown
    got = read(instance, tmp_path)["sysevent"]
    assert (set(ids(got)), got.hidden_rows) == (shown, 294)


def test_rows_inserted_behind_ahead_and_at_the_cursor_while_paging_lose_nothing(
    instance: Instance, tmp_path: Path
) -> None:
    before = {r["sys_id"] for r in instance.rows["sysevent"]}
    number = iter(range(10_000))

    def insert(found: Instance, table: str) -> None:
        with found.lock:
            for k in (next(number), next(number)):
                late = dict(found.rows["sysevent"][k % 90], sys_id=f"1{k:031x}")
                found.rows["sysevent"].append(late)

    instance.before_page = insert
    found = ids(read(instance, tmp_path)["sysevent"])
    assert len(found) == len(set(found))
    assert before <= set(found)


def test_nothing_is_read_within_two_minutes_of_the_instances_clock(instance: Instance, tmp_path: Path) -> None:
    instance.rows["sysevent"] = log_rows(200, start=NOW - timedelta(seconds=190), step=1)
    got = read(instance, tmp_path, window=Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1)))["sysevent"]
    assert got.complete_until == NOW - timedelta(seconds=120)
    assert landed(got)["sys_created_on"].to_pylist()[-1] < wire(got.complete_until)
    assert got.rows == 70


def test_several_days_become_parts_of_one_day_each(instance: Instance, tmp_path: Path) -> None:
    instance.rows["sysevent"] = log_rows(120, start=datetime(2026, 3, 7, 22), step=600)
    got = read(instance, tmp_path, window=Window(datetime(2026, 3, 7), datetime(2026, 3, 10)))["sysevent"]
    assert got.rows == 120
    assert ids(got) == expected(instance)
    for day, paths in got.parts.items():
        for path in paths:
            import pyarrow.parquet as pq

            part = pq.read_table(path)
            assert {t[:10] for t in part["sys_created_on"].to_pylist()} == {str(day)}
            assert set(part["event_date"].to_pylist()) == {day}


def test_an_empty_window_is_ok_and_empty(instance: Instance, tmp_path: Path) -> None:
    got = read(instance, tmp_path, window=Window(datetime(2025, 1, 1), datetime(2025, 1, 2)))["sysevent"]
    assert (got.state, got.rows, got.parts) == ("ok", 0, {})


def test_version_1_answers_404_to_an_empty_list(instance: Instance, tmp_path: Path) -> None:
    instance.version = 1
    got = read(instance, tmp_path, window=Window(datetime(2025, 1, 1), datetime(2025, 1, 2)))["sysevent"]
    assert (got.state, got.rows) == ("ok", 0)
    assert ids(read(instance, tmp_path / "x")["sysevent"]) == expected(instance)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.lists(st.integers(0, 60), min_size=1, max_size=120), page=st.integers(10, 40), workers=st.integers(1, 4),
    hidden=st.integers(0, 4), counts=st.booleans(),
)  # fmt: skip
def test_any_data_with_ties_and_hidden_rows_comes_exactly_once(
    seconds: list[int], page: int, workers: int, hidden: int, counts: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = log_rows(len(seconds))
    for row, second in zip(rows, seconds, strict=True):
        row["sys_created_on"] = wire(WINDOW.start + timedelta(seconds=second * 60))
    secret = {r["sys_id"] for r in rows if hidden and int(r["sys_id"], 16) % 5 < hidden}
    with running(Instance({"sysevent": rows}, counts=counts)) as instance:
        instance.hidden["sysevent"] = lambda row: row["sys_id"] in secret
        got = read(instance, tmp_path_factory.mktemp("k"), pace=replace(QUICK, page_size=page, workers=workers))[
            "sysevent"
        ]
    assert ids(got) == expected(instance, keep=lambda r: r["sys_id"] not in secret)
    assert got.state == ("denied" if len(secret) == len(rows) else "ok")
    if got.state == "ok":
        assert got.hidden_rows == len(secret)
