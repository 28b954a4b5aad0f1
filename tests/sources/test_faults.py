"""Whatever the wire does, a read ends with the same rows, or with a state and a reason; never with fewer rows in silence."""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipelines.errors import AccessDenied, DataQualityError, SourceUnavailable
from tests.sources.conftest import QUICK, connection_to, expected, ids, landed, read
from tests.sources.instance import CANCELLED, HTML, NOW, Instance, Reply, log_rows

SPOILT: dict[str, Callable[[Reply], Reply]] = {
    "401": lambda r: Reply(401, b'{"error":{"message":"User Not Authenticated","detail":""},"status":"failure"}'),
    "429 with seconds": lambda r: Reply(429, b"{}", headers={"Retry-After": "1"}),
    "429 bare": lambda r: Reply(429, b"<html>", "text/html"),
    "202": lambda r: Reply(202, b""),
    "500": lambda r: Reply(500, b'{"error":{"message":"x","detail":""}}'),
    "502": lambda r: Reply(502, b"<html>Bad Gateway</html>", "text/html"),
    "503": lambda r: Reply(503, b"<html>Maintenance</html>", "text/html"),
    "html": lambda r: Reply(200, HTML.encode(), "text/html"),
    "truncated": lambda r: replace(r, body=r.body[:-20]),
    "truncated at a row": lambda r: replace(
        r, body=r.body[: r.body.rfind(b"},{") + 1] if b"},{" in r.body else r.body[:-3]
    ),
    "error after the rows": lambda r: replace(r, body=r.body[:-1] + b"," + CANCELLED.encode() + b"}"),
    "error in the array": lambda r: replace(r, body=r.body[:-2] + b"," + CANCELLED.encode() + b"}"),
    "trailing comma": lambda r: replace(r, body=r.body[:-2] + b",]," + CANCELLED.encode() + b"}"),
    "trailing comma without error": lambda r: replace(r, body=r.body[:-2] + b",]}"),
    "result is an object": lambda r: replace(r, body=b'{"result":{"sys_id":"x"}}'),
    "reset": lambda r: replace(r, cut=len(r.body) // 2),
    "compressed and cut off": lambda r: _squeezed(r, gzip.compress(r.body)[:-12]),
    "compressed and damaged": lambda r: _squeezed(r, gzip.compress(r.body)[:-8] + bytes(8)),
    "said to be compressed": lambda r: _squeezed(r, r.body),
    "compressed as nobody asked": lambda r: replace(r, headers={**r.headers, "Content-Encoding": "br"}),
}


def _squeezed(reply: Reply, body: bytes) -> Reply:
    return replace(reply, body=body, headers={**reply.headers, "Content-Encoding": "gzip"})


@pytest.mark.parametrize("fault", SPOILT)
def test_a_fault_at_every_call_leaves_the_same_rows(fault: str, instance: Instance, tmp_path: Path) -> None:
    slow = "seconds" in fault  # each costs a second by order of the instance
    number = 1
    while True:
        instance.calls.clear()
        instance.faults = {number: SPOILT[fault]}
        got = read(instance, tmp_path / str(number))["sysevent"]
        assert got.state == "ok", got.reason
        assert ids(got) == expected(instance)
        if len(instance.calls) < number or (slow and number > 2):
            return
        number += 1


@pytest.mark.parametrize("fault", ["500", "502", "503", "202", "truncated", "reset", "error in the array"])
def test_a_fault_that_stays_on_one_table_fails_it_and_the_others_are_read(
    fault: str, instance: Instance, tmp_path: Path
) -> None:
    instance.table_faults["sys_user"] = SPOILT[fault]
    instance.rows["sysevent"] = log_rows(30)
    found = read(instance, tmp_path, "sys_user", "sysevent", pace=replace(QUICK, max_attempts=3, back_off_seconds=0.05))
    assert (found["sys_user"].state, found["sys_user"].rows, found["sys_user"].parts) == ("failed", 0, {})
    assert "3 times in a row" in found["sys_user"].reason
    assert ids(found["sysevent"]) == expected(instance)


def test_an_invalid_page_is_asked_for_smaller_and_the_size_recovers(instance: Instance, tmp_path: Path) -> None:
    instance.rows["sysevent"] = log_rows(900)
    instance.faults = {2: SPOILT["truncated"]}
    read(instance, tmp_path, pace=replace(QUICK, workers=1))
    limits = [int(call["sysparm_limit"]) for call in instance.data_calls("sysevent")]
    assert limits[1] == 40
    assert 20 in limits[2:]
    assert 40 in limits[limits.index(20) :]


def test_after_429_nobody_sends_before_the_time_that_the_instance_named(instance: Instance, tmp_path: Path) -> None:
    instance.rows["sysevent"] = log_rows(600)
    instance.faults = {4: SPOILT["429 with seconds"]}
    read(instance, tmp_path, pace=replace(QUICK, workers=4))
    times = [at for _, _, _, at in instance.calls]
    told = times[3]
    assert [t for t in times if told + 0.3 < t < told + 0.95] == []


def test_retry_after_may_be_a_date_and_a_rate_rule_names_its_reset() -> None:
    from datetime import UTC, timedelta
    from email.utils import format_datetime

    from pipelines.sources.servicenow.pace import asked_to_wait
    from pipelines.sources.servicenow.transport import Response

    now = NOW.replace(tzinfo=UTC)
    date = {"Date": format_datetime(now, usegmt=True)}
    later = format_datetime(now + timedelta(seconds=42), usegmt=True)
    assert asked_to_wait(Response(429, {**date, "Retry-After": later}, bytearray(), 0)) == 42
    assert (
        asked_to_wait(Response(429, {**date, "X-RateLimit-Reset": str(int(now.timestamp()) + 7)}, bytearray(), 0)) == 7
    )
    assert asked_to_wait(Response(429, {**date, "Retry-After": "soon"}, bytearray(), 0)) is None


def test_a_wait_beyond_the_total_fails_the_table_at_once(instance: Instance, tmp_path: Path) -> None:
    instance.table_faults["sysevent"] = lambda r: Reply(429, b"{}", headers={"Retry-After": "3600"})
    began = time.monotonic()
    got = read(instance, tmp_path)["sysevent"]
    assert got.state == "failed"
    assert "3600 s" in got.reason
    assert time.monotonic() - began < 5


def test_a_hibernating_instance_is_an_error_and_not_zero_rows(instance: Instance, tmp_path: Path) -> None:
    instance.every = SPOILT["html"]
    with pytest.raises(SourceUnavailable, match="hibernating") as raised:
        read(instance, tmp_path)
    assert raised.value.exit_code == 4
    assert "sign" in raised.value.remedy
    instance.every, instance.token_fault = None, SPOILT["html"]
    with pytest.raises(SourceUnavailable, match="hibernating"):
        read(instance, tmp_path)


def test_a_dead_instance_ends_the_run_and_not_table_by_table(instance: Instance, tmp_path: Path) -> None:
    instance.every = SPOILT["503"]
    with pytest.raises(SourceUnavailable, match="does not answer"):
        read(instance, tmp_path, "sysevent", "sys_user", pace=replace(QUICK, max_attempts=3))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://no-such-host.invalid"])
def test_a_wrong_url_says_so(url: str, instance: Instance, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(instance, tmp_path, connection=connection_to(instance, url=url))
    assert raised.value.exit_code == 4
    assert "address" in raised.value.remedy or "NOWGUARD_INSTANCE_URL" in raised.value.remedy


def test_a_site_that_is_no_instance_is_not_a_quiet_day(instance: Instance, tmp_path: Path) -> None:
    instance.every = lambda r: Reply(404, b"<html>Not Found</html>", "text/html")
    got = read(instance, tmp_path, connection=connection_to(instance, auth="basic"))["sysevent"]
    assert got.state == "failed"
    assert "no ServiceNow API" in got.reason


def test_a_redirect_is_not_followed_with_the_token(instance: Instance, tmp_path: Path) -> None:
    instance.every = lambda r: Reply(302, b"", headers={"Location": instance.url + "/elsewhere/table/sysevent"})
    with pytest.raises(SourceUnavailable, match="redirects"):
        read(instance, tmp_path)
    assert all("/elsewhere" not in path for path, _, _, _ in instance.calls)


@pytest.mark.parametrize("auth", ["oauth_password", "oauth_client_credentials", "basic"])
def test_a_wrong_secret_is_tried_no_more_than_twice(auth: str, instance: Instance, tmp_path: Path) -> None:
    wrong = SecretStr("wrong-canary")
    connection = connection_to(instance, auth=auth, password=wrong, client_secret=wrong)
    with pytest.raises(AccessDenied) as raised:
        read(instance, tmp_path, "sysevent", "sys_user", connection=connection, pace=replace(QUICK, workers=4))
    assert raised.value.exit_code == 3
    assert instance.token_calls + len(instance.calls) <= 2
    assert "wrong-canary" not in str(raised.value)


def test_a_wrong_refresh_token_and_password_are_tried_once_each(instance: Instance, tmp_path: Path) -> None:
    connection = connection_to(instance, refresh_token=SecretStr("old"), password=SecretStr("wrong"))
    with pytest.raises(AccessDenied):
        read(instance, tmp_path, connection=connection)
    assert instance.token_calls == 2


def test_a_token_is_renewed_before_it_expires(instance: Instance, tmp_path: Path) -> None:
    instance.token_life, instance.latency = 1, 0.12
    instance.rows["sysevent"] = log_rows(700)
    got = read(instance, tmp_path)["sysevent"]
    assert ids(got) == expected(instance)
    assert instance.token_number >= 2


def test_a_token_endpoint_that_is_down_for_a_moment_is_asked_again(instance: Instance, tmp_path: Path) -> None:
    answers = iter([Reply(503, b"", "text/html"), Reply(200, b"<html>", "text/html")])
    instance.token_fault = lambda reply: next(answers, reply)
    assert ids(read(instance, tmp_path)["sysevent"]) == expected(instance)


def test_a_denied_and_a_missing_table_do_not_stop_the_others(instance: Instance, tmp_path: Path) -> None:
    instance.denied.add("sys_user")
    found = read(instance, tmp_path, "sys_user", "sys_audit", "sysevent")
    assert (found["sys_user"].state, found["sys_audit"].state, found["sysevent"].state) == ("denied", "missing", "ok")
    assert "no read access" in found["sys_user"].reason
    assert "no table sys_audit" in found["sys_audit"].reason


def test_an_absent_column_is_null_and_named_and_an_empty_one_stays_empty(instance: Instance, tmp_path: Path) -> None:
    instance.columns_hidden.add("parm2")
    got = read(instance, tmp_path)["sysevent"]
    assert got.missing_columns == ("parm2",)
    assert set(landed(got)["parm2"].to_pylist()) == {None}
    assert set(landed(got)["user_id"].to_pylist()) == {""}


@pytest.mark.parametrize("column", ["sys_id", "sys_created_on"])
def test_without_key_or_time_the_table_stops_with_a_data_quality_error(
    column: str, instance: Instance, tmp_path: Path
) -> None:
    instance.columns_hidden = {column}
    with pytest.raises(DataQualityError, match=column) as raised:
        read(instance, tmp_path, "sysevent", "sys_user")
    assert raised.value.exit_code == 5


def test_a_retyped_column_stays_text(instance: Instance, tmp_path: Path) -> None:
    for number, row in enumerate(instance.rows["sysevent"]):
        row["parm1"] = [number, True, 1.5, None][number % 4]
    found = set(landed(read(instance, tmp_path)["sysevent"])["parm1"].to_pylist())
    assert {"0", "true", "1.5"} <= found


def test_doubled_rows_are_kept_once(instance: Instance, tmp_path: Path) -> None:
    def double(reply: Reply) -> Reply:
        rows = json.loads(reply.body)["result"]
        return replace(
            reply,
            body=json.dumps(
                {"result": [r for row in rows for r in (row, row)] if isinstance(rows, list) else rows},
                separators=(",", ":"),
            ).encode(),
        )

    instance.table_faults["sysevent"] = double
    assert ids(read(instance, tmp_path)["sysevent"]) == expected(instance)


def test_a_page_that_comes_again_is_refused_and_asked_for_again(instance: Instance, tmp_path: Path) -> None:
    kept: list[bytes] = []

    def again(reply: Reply) -> Reply:
        return replace(reply, body=kept[0])

    instance.table_faults["sysevent"] = lambda reply: kept.append(reply.body) or reply  # type: ignore[func-returns-value]
    instance.faults = {3: again}
    assert ids(read(instance, tmp_path, pace=replace(QUICK, workers=1))["sysevent"]) == expected(instance)


def test_where_ranges_are_refused_the_log_fails_with_that_reason(instance: Instance, tmp_path: Path) -> None:
    instance.refuses_ranges = {"sys_created_on"}
    got = read(instance, tmp_path)["sysevent"]
    assert got.state == "failed"
    assert "query_range" in got.reason


def test_where_only_sorting_is_refused_rows_are_not_lost_in_silence(instance: Instance, tmp_path: Path) -> None:
    def shuffle(reply: Reply) -> Reply:
        rows = json.loads(reply.body)["result"]
        shuffled = rows[::-1] if isinstance(rows, list) else rows
        return replace(reply, body=json.dumps({"result": shuffled}, separators=(",", ":")).encode())

    instance.table_faults["sysevent"] = shuffle
    got = read(instance, tmp_path)["sysevent"]
    assert got.state == "failed"
    assert "order" in got.reason


def test_a_snapshot_whose_ranges_are_refused_is_proven_by_its_count(instance: Instance, tmp_path: Path) -> None:
    instance.refuses_ranges = {"sys_id"}
    got = read(instance, tmp_path, "sys_user")["sys_user"]
    assert got.state == "ok"
    assert sorted(ids(got)) == expected(instance, "sys_user")
    instance.hidden["sys_user"] = lambda row: row["user_name"] == "u7"
    assert read(instance, tmp_path / "x", "sys_user")["sys_user"].state == "failed"


def test_a_slow_drip_ends_at_the_deadline(instance: Instance, tmp_path: Path) -> None:
    instance.table_faults["sysevent"] = lambda reply: replace(reply, drip=0.05)
    began = time.monotonic()
    got = read(instance, tmp_path, pace=replace(QUICK, page_deadline_seconds=0.5, max_attempts=2, workers=1))[
        "sysevent"
    ]
    assert got.state == "failed"
    assert time.monotonic() - began < 4


def test_a_compressed_bomb_ends_at_the_cap(instance: Instance, tmp_path: Path) -> None:
    instance.table_faults["sysevent"] = lambda reply: replace(reply, body=b" " * (8 << 20) + reply.body)
    got = read(instance, tmp_path, pace=replace(QUICK, max_page_bytes=1 << 20, max_attempts=2))["sysevent"]
    assert got.state == "failed"
    assert "MiB" in got.reason


def test_no_secret_appears_in_logs_errors_or_representations(
    instance: Instance, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    instance.faults = {2: SPOILT["500"], 3: SPOILT["401"], 4: SPOILT["reset"]}
    connection = connection_to(instance)
    read(instance, tmp_path, connection=connection)
    instance.token_ends = 0
    instance.token_fault = lambda reply: Reply(401, b'{"error":"server_error"}')
    with pytest.raises(AccessDenied) as raised:
        read(instance, tmp_path, connection=connection)
    said = "\n".join([caplog.text, repr(connection), str(connection), str(raised.value), repr(raised.value)])
    assert "canary" not in said
