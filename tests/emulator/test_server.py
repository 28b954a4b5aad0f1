"""The emulator by its wire: error bodies, encoded queries, ACLs before the limit, time that moves, faults, what it logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import urllib3

from pipelines.emulator.faults import KINDS
from pipelines.emulator.instance import EmulatorSettings
from pipelines.emulator.organisation import generate
from pipelines.emulator.server import RunningEmulator, start

NOW = datetime(2026, 3, 18, 12, 0, 0)
POOL = urllib3.PoolManager(retries=False)
Get = Callable[..., tuple[int, dict[str, str], Any]]


def rows(count: int) -> list[dict[str, str]]:
    return [
        {"sys_id": f"{n:032x}", "sys_created_on": (NOW - timedelta(hours=n)).strftime("%Y-%m-%d %H:%M:%S"), "name": f"event {n % 3}",
         "parm1": f"user.{n}", "sys_created_by": "system"} for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def running() -> Iterator[RunningEmulator]:
    with start(now=NOW, settings=EmulatorSettings(logs_itself=False)) as found:
        found.control.load("sysevent", rows(300))
        found.control.instance.passwords["nowguard.collector"] = "pw"
        found.control.load("sys_user", [{"sys_id": "c" * 32, "user_name": "nowguard.collector", "active": "true"}])
        yield found


def getter(running: RunningEmulator, user: str = "nowguard.collector", password: str = "pw") -> Get:
    def get(path: str, **query: str) -> tuple[int, dict[str, str], Any]:
        headers = urllib3.make_headers(basic_auth=f"{user}:{password}")
        answer = POOL.request("GET", running.url + path, fields=query, headers=headers, redirect=False)
        body: Any = answer.data
        if "json" in answer.headers.get("Content-Type", ""):
            try:
                body = json.loads(answer.data)
            except ValueError:
                body = answer.data
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, body

    return get


@pytest.fixture
def get(running: RunningEmulator) -> Get:
    return getter(running)


def test_errors_have_the_documented_bodies(running: RunningEmulator, get: Get) -> None:
    assert get("/api/now/table/nope")[2] == {
        "error": {"message": "Invalid table nope", "detail": None},
        "status": "failure",
    }
    assert getter(running, password="no")("/api/now/table/sysevent")[0::2] == (
        401, {"error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"}, "status": "failure"},
    )  # fmt: skip
    assert get("/api/now/table/sysevent/" + "f" * 32)[0] == 404
    assert b"html>" in get("/api/now/table/sysevent", sysparm_query="x" * 23_000)[2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=event 1", 56), ("name!=event 1", 112), ("nameINevent 1,event 2", 112), ("nameNOT INevent 1", 112), ("nameLIKEVENT 1", 56),
        ("nameSTARTSWITHevent", 168), ("nameENDSWITH2", 56), ("parm2ISEMPTY", 168), ("parm1ISNOTEMPTY", 168), ("nameANYTHING", 168),
        ("name=event 1^ORname=event 2", 112), ("name=event 1^NQname=event 2", 112), ("no_such_column=1^name=event 1", 56),
        ("sys_created_on>=2026-03-18 00:00:00", 13), ("sys_created_onBETWEEN2026-03-18 00:00:00@2026-03-18 03:00:00", 4),
        ("sys_created_on>javascript:gs.hoursAgo(5)", 5), ("sys_created_onONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()", 13),
        ("sys_created_onRELATIVEGT@hour@ago@5", 5), ("sys_created_bySAMEASsys_updated_by", 0), ("sys_created_on>2999-01-01 00:00:00", 0),
    ],
)  # fmt: skip
def test_encoded_queries_count(get: Get, query: str, expected: int) -> None:
    """168 rows are visible: sysevent rotates after seven days."""
    status, headers, body = get("/api/now/table/sysevent", sysparm_query=query, sysparm_limit="1000")
    visible = 13 + 7 * 24  # midnight seven days ago to noon
    scaled = {168: visible, 112: None, 56: None}.get(expected, expected)
    assert status == 200
    assert int(headers["x-total-count"]) == len(body["result"])
    if scaled is not None:
        assert len(body["result"]) == scaled
    else:
        assert abs(len(body["result"]) - expected * visible / 168) <= 2


def test_the_limit_is_applied_before_acls(running: RunningEmulator, get: Get) -> None:
    running.control.hide_rows("sysevent", "name=event 1")
    _, headers, body = get("/api/now/table/sysevent", sysparm_limit="30", sysparm_query="ORDERBYsys_created_on")
    assert int(headers["x-total-count"]) > 100
    assert len(body["result"]) == 20
    assert 'rel="prev"' in headers["link"]
    assert "sysparm_offset=-30" in headers["link"]


def test_a_denied_table_is_empty_or_forbidden_and_still_counted(running: RunningEmulator, get: Get) -> None:
    running.control.deny_table("sysevent")
    status, headers, body = get("/api/now/table/sysevent")
    assert (status, body["result"]) == (200, [])
    assert int(headers["x-total-count"]) > 100
    running.control.deny_table("sysevent", "forbidden")
    assert get("/api/now/table/sysevent")[0] == 403


def test_tokens_stay_the_same_while_valid_and_count_down(running: RunningEmulator) -> None:
    client_id, secret = next(iter(running.control.instance.clients.items()))
    form = {
        "grant_type": "password",
        "username": "nowguard.collector",
        "password": "pw",
        "client_id": client_id,
        "client_secret": secret,
    }

    def ask() -> Any:
        return POOL.request("POST", f"{running.url}/oauth_token.do", fields=form, encode_multipart=False).json()

    first = ask()
    running.control.advance(timedelta(seconds=100))
    second = ask()
    assert second["access_token"] == first["access_token"]
    assert 95 <= first["expires_in"] - second["expires_in"] <= 105
    form["client_secret"] = "wrong"
    assert ask() == {"error_description": "access_denied", "error": "invalid_client"}


def test_five_wrong_passwords_lock_the_account(running: RunningEmulator, get: Get) -> None:
    for _ in range(5):
        assert getter(running, password="no")("/api/now/table/sysevent")[0] == 401
    assert get("/api/now/table/sysevent")[0] == 401
    running.control.advance(timedelta(minutes=16))
    assert get("/api/now/table/sysevent")[0] == 200


def test_rows_rotate_away_and_late_rows_arrive_as_the_clock_moves(running: RunningEmulator, get: Get) -> None:
    before = int(get("/api/now/table/sysevent")[1]["x-total-count"])
    running.control.load(
        "sysevent",
        [{"sys_id": "e" * 32, "sys_created_on": "2026-03-18 11:00:00", "_visible_at": "2026-03-18 14:00:00"}],
    )
    assert int(get("/api/now/table/sysevent")[1]["x-total-count"]) == before
    running.control.set_now(NOW + timedelta(hours=3))
    assert int(get("/api/now/table/sysevent")[1]["x-total-count"]) == before + 1
    running.control.set_now(NOW + timedelta(days=3))
    assert int(get("/api/now/table/sysevent")[1]["x-total-count"]) == before + 1 - 3 * 24


def test_a_release_before_fuji_has_no_oauth_and_the_first_api_version() -> None:
    with start(now=NOW, settings=EmulatorSettings(release="eureka")) as old:
        assert POOL.request("POST", f"{old.url}/oauth_token.do").status == 404
        get = getter(old, "admin", old.control.instance.passwords["admin"])
        assert get("/api/now/table/sysevent", sysparm_query="name=nothing")[0] == 404


def test_being_called_leaves_rows_behind() -> None:
    with start(now=NOW) as running:
        get = getter(running, "admin", running.control.instance.passwords["admin"])
        get("/api/now/table/sys_user", sysparm_limit="1")
        logins = get("/api/now/table/sysevent", sysparm_query="name=login")[2]["result"]
        requests = get("/api/now/table/syslog_transaction", sysparm_query="typeLIKErest")[2]["result"]
    assert logins[0]["parm1"] == "admin"
    assert any("/api/now/table/sys_user" in r["url"] for r in requests)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("slow", "drip", "reset")])
def test_every_fault_strikes_once_and_is_gone(running: RunningEmulator, get: Get, kind: str) -> None:
    clean = get("/api/now/table/sysevent", sysparm_limit="5")
    running.control.add_fault(kind, table="sysevent", column="name")
    struck = get("/api/now/table/sysevent", sysparm_limit="5")
    assert (struck[0], struck[2]) != (clean[0], clean[2]) or kind == "pretty"
    assert get("/api/now/table/sysevent", sysparm_limit="5")[2] == clean[2]


def test_a_reset_breaks_the_connection_in_the_middle(running: RunningEmulator, get: Get) -> None:
    running.control.add_fault("reset", table="sysevent", offset=50)
    with pytest.raises(urllib3.exceptions.HTTPError):
        get("/api/now/table/sysevent", sysparm_limit="50")


def test_the_clock_moves_over_http(running: RunningEmulator) -> None:
    POOL.request("POST", f"{running.info()['control_url']}/now", json={"now": "2026-04-01 00:00:00"})
    assert running.control.now().date().isoformat() == "2026-04-01"


def test_a_seeded_organisation_is_served() -> None:
    world = generate(seed=3, users=30, days=2, before=7)
    with start(world) as running:
        info = running.info()
        get = getter(running, info["username"], info["password"])
        status, headers, body = get("/api/now/table/sys_user", sysparm_limit="5", sysparm_display_value="all")
    assert (status, len(body["result"])) == (200, 5)
    assert int(headers["x-total-count"]) >= 30
    assert set(body["result"][0]["user_name"]) == {"display_value", "value"}
