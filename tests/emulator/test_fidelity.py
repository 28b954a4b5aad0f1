"""Small habits of an instance that a client meets sooner or later, each by its wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from pipelines.emulator import docs, server_script
from pipelines.emulator.accounts import CLIENT_CREDENTIALS
from pipelines.emulator.control import ACTIONS
from pipelines.emulator.encoded_query import OPERATORS
from pipelines.emulator.faults import KINDS
from pipelines.emulator.instance import EmulatorSettings
from pipelines.emulator.server import RunningEmulator, start

NOW = datetime(2026, 3, 18, 12, 0, 0)
POOL = urllib3.PoolManager(retries=False)
BULK = 1500


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with start(now=NOW) as found:
        yield found


def ask(running: RunningEmulator, method: str, path: str, body: Any = None, **query: str) -> urllib3.BaseHTTPResponse:
    basic = urllib3.make_headers(basic_auth=f"admin:{running.control.instance.passwords['admin']}")
    url = f"{running.url}{path}?{urlencode(query)}"
    return (
        POOL.request(method, url, headers=basic, json=body)
        if body is not None
        else POOL.request(method, url, headers=basic)
    )


def rows(running: RunningEmulator, table: str, query: str = "", **more: str) -> list[dict[str, Any]]:
    found = ask(running, "GET", f"/api/now/table/{table}", sysparm_query=query, **more).json()["result"]
    assert isinstance(found, list)
    return found


def test_labels_and_names_count_in_simple_parameters_only(running: RunningEmulator) -> None:
    assert len(ask(running, "GET", "/api/now/table/problem", state="New").json()["result"]) >= 15
    assert rows(running, "problem", "state=New") == []
    assert ask(running, "GET", "/api/now/table/problem", opened_by="admin").json()["result"]


def test_null_means_empty_and_chart_parts_mean_nothing(running: RunningEmulator) -> None:
    everybody = len(rows(running, "sys_user"))
    without = len(rows(running, "sys_user", "mobile_phone=NULL"))
    assert 0 < without < everybody
    assert without + len(rows(running, "sys_user", "mobile_phone!=NULL")) == everybody
    assert len(rows(running, "sys_user", "mobile_phone=NULL^GROUPBYname^TRENDBYsys_created_on,day")) == without


def test_a_query_of_many_alternatives_runs(running: RunningEmulator) -> None:
    alternatives = "^OR".join(f"user_name={n}" for n in range(BULK))
    request = {
        "id": "1",
        "method": "GET",
        "url": f"/api/now/table/sys_user?sysparm_query={alternatives}^ORuser_name=admin",
    }
    answer = ask(running, "POST", "/api/now/v1/batch", {"batch_request_id": 7, "rest_requests": [request]}).json()
    inner = json.loads(base64.b64decode(answer["serviced_requests"][0]["body"]))
    assert [row["user_name"] for row in inner["result"]] == ["admin"]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("gs.monthsAgo(1)", "2026-02-18 12:00:00"), ("gs.monthsAgoStart(1)", "2026-02-01 00:00:00"), ("gs.monthsAgoEnd(1)", "2026-02-28 23:59:59"),
        ("gs.quartersAgoStart(1)", "2025-10-01 00:00:00"), ("gs.quartersAgoEnd(1)", "2025-12-31 23:59:59"), ("gs.yearsAgo(2)", "2024-03-18 12:00:00"),
        ("gs.beginningOfThisQuarter()", "2026-01-01 00:00:00"), ("gs.endOfThisYear()", "2026-12-31 23:59:59"),
        ("gs.beginningOfLastWeek()", "2026-03-09 00:00:00"), ("gs.endOfNextMonth()", "2026-04-30 23:59:59"),
        ("gs.dateGenerate('2024-01-01','00:00:00')", "2024-01-01 00:00:00"), ("gs.dateGenerate('2024-01-01','end')", "2024-01-01 23:59:59"),
        ("gs.daysAgoEnd(0)", "2026-03-18 23:59:59"), ("gs.hoursAgoStart(2)", "2026-03-18 10:00:00"), ("gs.getUserID()", "me"),
        ("gs.eval('1')", None), ("new GlideRecord('x')", None),
    ],
)  # fmt: skip
def test_script_calls_give_instants(call: str, expected: str | None) -> None:
    assert server_script.evaluate(f"javascript:{call}", NOW, "me") == expected


def test_the_last_day_of_a_longer_month_is_the_last_of_a_shorter_one() -> None:
    assert server_script.evaluate("gs.monthsAgo(1)", datetime(2026, 3, 31, 8), "") == "2026-02-28 08:00:00"


def test_passwords_are_never_in_clear(running: RunningEmulator) -> None:
    made = ask(running, "POST", "/api/now/table/sys_user", {"user_name": "new", "user_password": "Secret-1"}).json()[
        "result"
    ]
    assert "Secret-1" not in json.dumps(made)
    assert rows(running, "sys_user", f"sys_id={made['sys_id']}^user_password=Secret-1") == []
    ask(running, "PATCH", f"/api/now/table/sys_user/{made['sys_id']}", {"user_password": "Secret-2"})
    audit = rows(running, "sys_audit", f"documentkey={made['sys_id']}")
    assert audit
    assert "Secret-2" not in json.dumps(audit)


def test_display_values_are_understood_on_writes(running: RunningEmulator) -> None:
    body = {"state": "Assess", "opened_at": "2026-01-10 04:00:00", "assigned_to": "natasha.ingram"}
    made = ask(running, "POST", "/api/now/table/problem", body, sysparm_input_display_value="true").json()["result"]
    assert made["state"] == "102"
    assert made["opened_at"] == "2026-01-10 12:00:00"  # admin lives in US/Pacific
    assert len(made["assigned_to"]["value"]) == 32


def test_groups_carry_both_values_where_all_are_asked(running: RunningEmulator) -> None:
    asked = {"sysparm_count": "true", "sysparm_group_by": "state", "sysparm_query": "number=PRB0000001"}
    both = ask(running, "GET", "/api/now/stats/problem", sysparm_display_value="all", **asked).json()["result"]
    assert both == [
        {"stats": {"count": "1"}, "groupby_fields": [{"field": "state", "display_value": "New", "value": "101"}]}
    ]
    shown = ask(running, "GET", "/api/now/stats/problem", sysparm_display_value="true", **asked).json()["result"]
    assert shown[0]["groupby_fields"] == [{"field": "state", "value": "New"}]
    wrong = ask(running, "GET", "/api/now/stats/problem", sysparm_having="sum^nonsense^>^3", **asked)
    assert wrong.status == 200


def test_groups_come_in_the_order_asked(running: RunningEmulator) -> None:
    asked = {"sysparm_count": "true", "sysparm_group_by": "priority", "sysparm_query": "numberSTARTSWITHPRB000000"}
    found = ask(running, "GET", "/api/now/stats/problem", sysparm_order_by="priority^DESC", **asked).json()["result"]
    values = [group["groupby_fields"][0]["value"] for group in found]
    assert values == sorted(values, reverse=True)
    assert len(values) == 4


def test_the_dictionary_describes_what_is_served(running: RunningEmulator) -> None:
    columns = rows(
        running, "sys_dictionary", "name=sys_user^elementISNOTEMPTY", sysparm_fields="element,internal_type,reference"
    )
    assert {"element": "manager", "internal_type": "reference", "reference": "sys_user"} in columns
    assert len(rows(running, "sys_dictionary", "name=sys_user^internal_type=collection")) == 1
    assert [c["label"] for c in rows(running, "sys_choice", "name=problem^element=state^value=101")] == ["New"]


@pytest.mark.parametrize(("release", "has_it"), [("zurich", False), ("australia", True)])
def test_columns_come_with_their_release(release: str, has_it: bool) -> None:
    with start(now=NOW, settings=EmulatorSettings(release=release)) as old:
        rows(old, "sys_user")
        made = rows(old, "syslog_transaction", "status=200", sysparm_fields="sys_id,status")
        described = rows(old, "sys_dictionary", "name=syslog_transaction^element=status")
    assert made  # an unknown column is dropped from the query
    assert all(("status" in row) == has_it for row in made)
    assert bool(described) == has_it


@pytest.mark.parametrize(("value", "status"), [("true", 200), ("false", 400)])
def test_client_credentials_are_a_property(value: str, status: int) -> None:
    with start(now=NOW) as running:
        running.control.set_property(CLIENT_CREDENTIALS, value)
        client, secret = next(iter(running.control.instance.clients.items()))
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        answer = POOL.request("POST", f"{running.url}/oauth_token.do", fields=form, encode_multipart=False)
    assert answer.status == status
    assert "refresh_token" not in answer.json()


def test_rows_of_ones_own_stay_alone(tmp_path: Path) -> None:
    lines = [
        {"sys_id": "1" * 32, "name": "login", "sys_created_on": "2026-03-18 11:00:00"},
        {"name": "no id"},
        {"name": "no id either"},
    ]
    (tmp_path / "sysevent.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    with start(tables_dir=tmp_path, now=NOW, settings=EmulatorSettings(logs_itself=False)) as running:
        assert [row["user_name"] for row in rows(running, "sys_user")] == ["admin"]
        assert rows(running, "problem") == rows(running, "syslog") == []
        assert len(rows(running, "sysevent", "name=login")) == 1


def test_a_page_beyond_the_quota_is_cancelled_while_it_streams() -> None:
    with start(now=NOW, settings=EmulatorSettings(page_seconds_per_1000_rows=1.0, quota_seconds=0.05)) as running:
        small = ask(running, "GET", "/api/now/table/syslog", sysparm_limit="10")
        large = ask(running, "GET", "/api/now/table/syslog", sysparm_limit="200")
    assert len(small.json()["result"]) == 10
    assert b"Transaction cancelled: maximum execution time exceeded" in large.data
    with pytest.raises(ValueError, match=r"JSON|Expect|delimiter|char"):
        json.loads(large.data)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", {"Accept": "text/csv"}, 406), ("POST", {"Content-Type": "text/plain"}, 415), ("OPTIONS", {}, 405)],
)
def test_what_is_not_spoken_is_refused(
    running: RunningEmulator, method: str, headers: dict[str, str], status: int
) -> None:
    basic = urllib3.make_headers(basic_auth=f"admin:{running.control.instance.passwords['admin']}")
    answer = POOL.request(method, f"{running.url}/api/now/table/problem", headers={**basic, **headers}, body=b"x")
    assert (answer.status, "error" in answer.json()) == (status, True)


def test_limits_beyond_reason_are_cut(running: RunningEmulator) -> None:
    assert rows(running, "problem", sysparm_limit="9" * 40)
    assert rows(running, "problem", sysparm_offset="9" * 40) == []


def test_many_late_rows_are_counted_only_when_their_time_has_come() -> None:
    with start(now=NOW, settings=EmulatorSettings(logs_itself=False)) as running:
        stamp = (NOW - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
        late = (NOW + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
        running.control.load("sysevent", [
            {"sys_id": f"{n:032x}", "sys_created_on": stamp, "_visible_at": late if n % 2 else ""} for n in range(100)
        ])  # fmt: skip
        assert len(rows(running, "sysevent")) == 50
        running.control.advance(timedelta(hours=2))
        assert len(rows(running, "sysevent")) == 100


def test_the_page_names_everything_and_is_up_to_date() -> None:
    text = docs.page()
    assert docs.PAGE.read_text(encoding="utf-8") == text
    for name in (*OPERATORS, *KINDS, *ACTIONS):
        assert f"`{name}`" in text
    assert "<!--" not in text
