"""The identity provider by its wire: tokens, pages, delta, deleted items, faults; all by the virtual clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import urllib3

from pipelines.emulator.entra.directory import object_id
from pipelines.emulator.organisation import generate
from pipelines.emulator.organisation.world import Change
from pipelines.emulator.server import RunningEmulator, start

NOW = datetime(2026, 3, 18, 12, 0, 0)
POOL = urllib3.PoolManager(retries=False)


def person(name: str, at: datetime = NOW - timedelta(days=90), **more: str) -> Change:
    values = {
        "userPrincipalName": f"{name}@corp.example",
        "mail": f"{name}@corp.example",
        "displayName": name,
        "accountEnabled": "true",
    }
    return Change(at, "users", name, {**values, **more})


@pytest.fixture
def running() -> Iterator[RunningEmulator]:
    with start(now=NOW) as found:
        found.entra.directory.script([person(f"p{n:03d}") for n in range(250)])
        yield found


def token(running: RunningEmulator, **changed: str) -> tuple[int, dict[str, Any]]:
    info = running.info()
    form = {
        "grant_type": "client_credentials", "client_id": info["entra_client_id"], "client_secret": info["entra_client_secret"],
        "scope": "https://graph.microsoft.com/.default", **changed,
    }  # fmt: skip
    tenant = form.pop("tenant", info["entra_tenant_id"])
    answer = POOL.request(
        "POST", f"{info['entra_authority']}/{tenant}/oauth2/v2.0/token", fields=form, encode_multipart=False
    )
    return answer.status, json.loads(answer.data)


def get(running: RunningEmulator, path: str, bearer: str = "", **query: str) -> tuple[int, dict[str, Any], Any]:
    bearer = bearer or token(running)[1]["access_token"]
    url = path if path.startswith("http") else running.info()["graph_url"] + path
    answer = POOL.request(
        "GET", url, fields=query or None, headers={"Authorization": f"Bearer {bearer}"}, redirect=False
    )
    return (
        answer.status,
        dict(answer.headers),
        json.loads(answer.data) if "json" in answer.headers.get("Content-Type", "") else answer.data,
    )


def everything(running: RunningEmulator, path: str, **query: str) -> tuple[list[dict[str, Any]], str]:
    """All rows over all pages, and the delta link at the end."""
    found: list[dict[str, Any]] = []
    _, _, body = get(running, path, **query)
    while True:
        found += body["value"]
        if "@odata.nextLink" not in body:
            return found, body.get("@odata.deltaLink", "")
        _, _, body = get(running, body["@odata.nextLink"])


@pytest.mark.parametrize(
    ("changed", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"tenant": "elsewhere"}, 400, "invalid_request", 90002),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "User.Read"}, 400, "invalid_scope", 1002012),
    ],
)
def test_a_refused_token_says_why_as_microsoft_does(
    running: RunningEmulator, changed: dict[str, str], status: int, error: str, number: int
) -> None:
    got, body = token(running, **changed)

    assert (got, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")


def test_a_token_lives_by_the_virtual_clock(running: RunningEmulator) -> None:
    bearer = token(running)[1]["access_token"]
    assert get(running, "/users", bearer)[0] == 200

    running.control.advance(timedelta(hours=1))
    status, _, body = get(running, "/users", bearer)

    assert (status, body["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_pages_follow_the_link_and_hold_every_user_once(running: RunningEmulator) -> None:
    rows, _ = everything(running, "/users", **{"$select": "id,accountEnabled", "$top": "99"})

    assert len({row["id"] for row in rows}) == len(rows) == 250
    assert rows[0] == {"id": rows[0]["id"], "accountEnabled": True}


def test_a_filter_that_is_not_known_is_refused_and_known_ones_filter(running: RunningEmulator) -> None:
    running.entra.directory.script([Change(NOW, "users", "p007", {"accountEnabled": "false"})])

    _, _, off = get(running, "/users", **{"$filter": "accountEnabled eq false"})
    status, _, body = get(running, "/users", **{"$filter": "startswith(displayName,'p')"})
    assert [row["displayName"] for row in off["value"]] == ["p007"]
    assert (status, body["error"]["code"]) == (400, "Request_UnsupportedQuery")
    assert get(running, "/users", **{"$top": "1000"})[0] == 400


def test_a_deleted_user_is_renamed_kept_thirty_days_and_restored(running: RunningEmulator) -> None:
    at = NOW + timedelta(hours=1)
    running.entra.directory.script([Change(at, "users", "p001", None), Change(at, "users", "p002", None)])
    running.control.set_now(at + timedelta(hours=1))

    rows, _ = everything(
        running, "/directory/deletedItems/microsoft.graph.user", **{"$select": "id,userPrincipalName,deletedDateTime"}
    )
    uid = object_id("p001")
    assert {row["id"] for row in rows} == {uid, object_id("p002")}
    mine = next(row for row in rows if row["id"] == uid)
    assert mine["userPrincipalName"] == uid.replace("-", "") + "p001@corp.example"
    assert mine["deletedDateTime"] == "2026-03-18T13:00:00Z"
    assert get(running, f"/users/{uid}")[0] == 404

    running.entra.directory.script([Change(at + timedelta(days=3), "users", "p001", {"accountEnabled": "true"})])
    running.control.set_now(at + timedelta(days=31))
    assert everything(running, "/directory/deletedItems/microsoft.graph.user")[0] == []
    assert get(running, f"/users/{uid}")[2]["userPrincipalName"] == "p001@corp.example"


def test_delta_starts_with_everybody_and_then_tells_what_changed(running: RunningEmulator) -> None:
    first, link = everything(running, "/users/delta", **{"$select": "accountEnabled,userPrincipalName"})
    assert len(first) == 250
    at = NOW + timedelta(hours=2)
    running.entra.directory.script(
        [Change(at, "users", "p003", {"accountEnabled": "false"}), Change(at, "users", "p004", None), person("new", at)]
    )
    running.control.set_now(at)

    changed, further = everything(running, link)
    assert {row["id"]: row.get("accountEnabled", row.get("@removed")) for row in changed} == {
        object_id("p003"): False, object_id("p004"): {"reason": "changed"}, object_id("new"): True,
    }  # fmt: skip
    assert everything(running, further) == ([], everything(running, further)[1])

    running.control.set_now(at + timedelta(days=31))
    purged, _ = everything(running, further)
    assert purged == [{"id": object_id("p004"), "@removed": {"reason": "deleted"}}]


def test_changes_come_in_pages_as_well(running: RunningEmulator) -> None:
    _, link = everything(running, "/users/delta", **{"$deltatoken": "latest"})
    running.entra.directory.script([Change(NOW, "users", f"p{n:03d}", {"accountEnabled": "false"}) for n in range(230)])

    changed, _ = everything(running, link)

    assert len({row["id"] for row in changed}) == len(changed) == 230


def test_a_delta_link_that_is_too_old_is_gone(running: RunningEmulator) -> None:
    _, link = everything(running, "/users/delta")
    running.entra.expire_delta()

    assert get(running, link)[0] == 410
    assert get(running, "/users/delta", **{"$deltatoken": "garbage"})[0] == 410


def test_without_permission_everything_is_denied_and_leave_dates_are_silently_empty(running: RunningEmulator) -> None:
    running.entra.directory.script([Change(NOW, "users", "p005", {"employeeLeaveDateTime": "2026-03-01T00:00:00Z"})])
    path, query = f"/users/{object_id('p005')}", {"$select": "employeeLeaveDateTime"}
    assert get(running, path, **query)[2]["employeeLeaveDateTime"] is None
    running.entra.tokens.roles.add("User-LifeCycleInfo.Read.All")
    assert get(running, path, **query)[2]["employeeLeaveDateTime"] == "2026-03-01T00:00:00Z"

    running.entra.tokens.roles.clear()
    status, _, body = get(running, "/users")
    assert (status, body["error"]["code"]) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limited", 429),
        ("unavailable", 503),
        ("server_error", 500),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("redirect", 302),
    ],
)
def test_scripted_faults_strike_here_as_well(running: RunningEmulator, kind: str, status: int) -> None:
    bearer = token(running)[1]["access_token"]
    running.control.add_fault(kind, path="/v1.0/users", seconds=7)

    got, headers, body = get(running, "/users", bearer)

    assert got == status
    assert headers.get("retry-after") == ("7" if kind in ("rate_limited", "unavailable") else None)
    assert status == 302 or body["error"]["message"]
    assert get(running, "/users", bearer)[0] == 200


def test_the_tenant_is_the_seeded_organisation_without_its_keys() -> None:
    world = generate(seed=3, users=30, days=2, before=7)
    with start(world, now=world.end) as running:
        rows, _ = everything(
            running, "/users", **{"$select": "userPrincipalName,accountEnabled,onPremisesSamAccountName"}
        )
    mails = set(world.tables["sys_user"]["email"].to_list())
    keys = set(world.tables["sys_user"]["sys_id"].to_list())

    assert len(rows) >= 25
    assert {row["userPrincipalName"] for row in rows} <= mails
    assert not {row["id"].replace("-", "") for row in rows} & keys
