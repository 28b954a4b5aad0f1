"""Reading the identity provider: whole, by changes, through every fault; what cannot be read is said and harms nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr

from pipelines.emulator.entra.directory import object_id
from pipelines.emulator.organisation.world import Change
from pipelines.emulator.server import RunningEmulator, start
from pipelines.errors import AccessDenied, SourceUnavailable
from pipelines.sources.entra import (
    DELETED_USER,
    LEAVE_READ,
    USER,
    DirectoryRead,
    EntraConnection,
    Graph,
    Snapshot,
    check_entra,
    missing_settings,
    read_directory,
)
from pipelines.sources.servicenow import Pace

NOW = datetime(2026, 3, 18, 12, 0, 0)
DAY = date(2026, 3, 17)
QUICK = Pace(back_off_seconds=0.002, page_deadline_seconds=5, total_wait_seconds=20)
HOSTILE = "'; DROP TABLE core__identity; --\x00\u202e<script>"


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
        found.entra.directory.script([person(f"p{n:04d}") for n in range(1203)])
        yield found


def connection_to(running: RunningEmulator, **changes: Any) -> EntraConnection:
    info = running.info()
    base = EntraConnection(
        info["entra_tenant_id"],
        info["entra_client_id"],
        SecretStr(info["entra_client_secret"]),
        info["entra_authority"],
        info["graph_url"],
    )
    return replace(base, **changes)


def read(running: RunningEmulator, previous: Snapshot | None = None, **changes: Any) -> DirectoryRead:
    with Graph(connection_to(running, **changes), QUICK) as graph:
        return read_directory(graph, "acme", DAY, NOW, previous)


def rows(got: DirectoryRead, name: str = USER) -> dict[str, dict[str, Any]]:
    (found,) = [t for t in got.tables if t.table.name == name]
    assert found.state == "ok", found.reason
    assert found.rows is not None
    assert found.rows.schema.equals(found.table.arrow_schema())
    return {row["directory_id"]: row for row in found.rows.to_pylist()}


def states(got: DirectoryRead) -> dict[str, str]:
    return {t.table.name: t.state for t in got.tables}


def following(running: RunningEmulator, got: DirectoryRead) -> Snapshot:
    data = next(t.rows for t in got.tables if t.table.name == USER)
    assert isinstance(data, pa.Table)
    return Snapshot(data, got.delta_link)


def paths(running: RunningEmulator) -> list[str]:
    return [row["path"].removeprefix("/v1.0") for row in running.entra.log if row["path"].startswith("/v1.0")]


def test_everybody_is_read_at_first_contact(running: RunningEmulator) -> None:
    got = read(running)

    found = rows(got)
    assert len(found) == 1203
    one = found[object_id("p0001")]
    assert (one["user_principal_name"], one["account_enabled"], one["observed_at"]) == ("p0001@corp.example", True, NOW)
    assert rows(got, DELETED_USER) == {}
    assert (got.is_whole, bool(got.delta_link)) == (True, True)
    assert paths(running) == ["/users/delta", "/users", "/users", "/directory/deletedItems/microsoft.graph.user"]


def test_later_nights_read_what_changed_and_come_to_the_same(running: RunningEmulator) -> None:
    first = read(running)
    running.entra.directory.script(
        [Change(NOW, "users", "p0003", {"accountEnabled": "false"}), Change(NOW, "users", "p0004", None),
         Change(NOW, "users", "p0005", {"userPrincipalName": "renamed@corp.example"}), person("new", NOW)]
    )  # fmt: skip
    running.entra.log.clear()

    second = read(running, following(running, first))

    assert not second.is_whole
    assert paths(running) == ["/users/delta", "/directory/deletedItems/microsoft.graph.user"]
    assert rows(second) == rows(read(running))
    assert rows(second)[object_id("p0003")]["account_enabled"] is False
    assert object_id("p0004") not in rows(second)
    gone = rows(second, DELETED_USER)[object_id("p0004")]
    assert gone["deleted_date_time"] == "2026-03-18T12:00:00Z"


def test_a_link_that_has_ended_leads_back_to_everything(running: RunningEmulator) -> None:
    first = read(running)
    running.entra.expire_delta()

    second = read(running, following(running, first))

    assert second.is_whole
    assert second.delta_link != first.delta_link
    assert rows(second) == rows(first)


@pytest.mark.parametrize(
    "kind",
    ["rate_limited", "rate_limited_bare", "unavailable", "server_error", "bad_gateway", "gateway_timeout", "unauthorized", "maintenance",
     "truncated", "reset", "slow"],
)  # fmt: skip
def test_every_fault_at_every_call_changes_nothing(running: RunningEmulator, kind: str) -> None:
    expected = rows(read(running))
    for call in range(1, 6):  # token, delta link, two pages, deleted items
        running.control.clear_faults()
        running.control.add_fault(kind, first=call, seconds=0, offset=50)

        got = read(running)

        if kind == "unauthorized" and call == 1:
            assert set(states(got).values()) == {"denied"}  # a refused secret is not tried again
            continue
        assert rows(got) == expected
        assert states(got)[DELETED_USER] == "ok"


def test_retry_after_is_kept(running: RunningEmulator) -> None:
    running.control.add_fault("rate_limited", path="/v1.0/users", first=2, seconds=1)
    began = datetime.now()  # noqa: DTZ005  # a real second passes

    assert len(rows(read(running))) == 1203
    assert (datetime.now() - began).total_seconds() >= 1  # noqa: DTZ005


def test_what_stays_broken_is_a_failed_table_and_no_error(running: RunningEmulator) -> None:
    running.control.add_fault("server_error", path="/v1.0/users", times=99)

    got = read(running)

    assert states(got) == {USER: "failed", DELETED_USER: "ok"}
    assert "HTTP 500 InternalServerError" in got.tables[0].reason


def test_a_denied_permission_is_said(running: RunningEmulator) -> None:
    running.control.add_fault("forbidden", path="deletedItems", times=99)
    assert states(read(running)) == {USER: "ok", DELETED_USER: "denied"}

    running.entra.tokens.roles.clear()
    got = read(running)
    assert set(states(got).values()) == {"denied"}
    assert "Authorization_RequestDenied" in got.tables[0].reason


def test_a_wrong_secret_is_tried_once_and_never_shown(
    running: RunningEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "canary-5f1d"  # not one

    got = read(running, client_secret=SecretStr(secret))

    assert set(states(got).values()) == {"denied"}
    assert "invalid_client AADSTS7000215" in got.tables[0].reason
    assert sum(row["path"].endswith("/token") for row in running.entra.log) == 1
    shown = repr(got) + caplog.text + repr(connection_to(running, client_secret=SecretStr(secret)))
    assert secret not in shown
    assert got.delta_link not in repr(got) or not got.delta_link


def test_a_link_to_another_host_is_not_followed(running: RunningEmulator) -> None:
    with Graph(connection_to(running), QUICK) as graph, pytest.raises(SourceUnavailable, match="another address"):
        next(graph.pages("https://evil.example/v1.0/users"))
    assert running.entra.log == []


def test_a_token_that_ends_is_renewed_once(running: RunningEmulator) -> None:
    with Graph(connection_to(running), QUICK) as graph:
        pages = graph.pages("/users", {"$top": "999"})
        next(pages)
        running.entra.tokens.expire()
        assert len(next(pages).rows) == 204

        running.control.add_fault("unauthorized", path="/v1.0/users", times=9)
        with pytest.raises(AccessDenied, match="refuses the token"):
            next(graph.pages("/users"))


def test_leave_dates_are_missing_not_empty_without_their_permission(running: RunningEmulator) -> None:
    running.entra.directory.script([Change(NOW, "users", "p0005", {"employeeLeaveDateTime": "2026-03-01T00:00:00Z"})])
    assert read(running).tables[0].missing_columns == ("employee_leave_date_time",)

    running.entra.tokens.roles.add(LEAVE_READ)
    got = read(running)
    assert got.tables[0].missing_columns == ()
    assert rows(got)[object_id("p0005")]["employee_leave_date_time"] == "2026-03-01T00:00:00Z"


def test_hostile_text_is_kept_as_text(running: RunningEmulator) -> None:
    running.entra.directory.script(
        [Change(NOW, "users", "p0006", {"displayName": HOSTILE, "userPrincipalName": HOSTILE})]
    )

    assert rows(read(running))[object_id("p0006")]["user_principal_name"] == HOSTILE


def test_check_says_connected_or_why_not(running: RunningEmulator) -> None:
    assert check_entra(None).state == "absent"
    assert "NOWGUARD_ENTRA_CLIENT_ID" in check_entra(None, "NOWGUARD_ENTRA_CLIENT_ID").verdict

    found = check_entra(connection_to(running), pace=QUICK)
    assert (found.state, found.verdict, found.roles) == ("connected", "Entra ID is connected", ("User.Read.All",))
    assert any("leave dates" in warning for warning in found.warnings)

    assert "AADSTS700016" in check_entra(connection_to(running, client_id="nobody"), pace=QUICK).verdict
    unreachable = check_entra(
        connection_to(running, authority="http://localhost:9"), pace=replace(QUICK, max_attempts=2)
    )
    assert unreachable.state == "failed"
    assert "NOWGUARD_ENTRA_AUTHORITY" in unreachable.verdict


def test_settings_are_all_there_or_none() -> None:
    assert missing_settings({"entra_tenant_id": "", "entra_client_id": None}) == ""
    assert missing_settings({"entra_tenant_id": "t", "entra_client_id": ""}) == "NOWGUARD_ENTRA_CLIENT_ID"
    assert missing_settings({"entra_tenant_id": "t", "entra_client_id": "c"}) == ""
