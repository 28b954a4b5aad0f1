"""ServiceNow's own Python client, over TLS with the emulator's authority: what a third party would check first."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pysnc import ServiceNowClient
from pysnc.auth import ServiceNowPasswordGrantFlow
from pysnc.exceptions import AuthenticationException

from pipelines.emulator.organisation import generate
from pipelines.emulator.server import RunningEmulator, start

ADMIN = "6816f79cc0a8016401c5a33be04be441"


@pytest.fixture(scope="module", params=["stock records", "with an organisation"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningEmulator]:
    """What `nowguard emulate` serves is the second; its own groups and holders come on top of the stock ones."""
    world = generate(seed=5, users=60, days=1, before=0) if request.param != "stock records" else None
    with start(world, tls=True) as found:
        yield found


@pytest.fixture
def client(running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca_file))
    return ServiceNowClient(running.url, ("admin", running.info()["admin_password"]))


def test_basic_authentication_and_get(client: Any) -> None:
    record = client.GlideRecord("sys_user")
    assert record.get(ADMIN)
    assert record.user_name == "admin"
    assert record.get_display_value("user_password") == "********"


def test_a_wrong_password_raises(running: RunningEmulator, client: Any) -> None:
    stranger = ServiceNowClient(running.url, ("admin", "wrong"))
    with pytest.raises(AuthenticationException):
        stranger.GlideRecord("sys_user").get(ADMIN)


def test_the_oauth_password_grant(running: RunningEmulator, client: Any) -> None:
    info = running.info()
    flow = ServiceNowPasswordGrantFlow("admin", info["admin_password"], info["client_id"], info["client_secret"])
    record = ServiceNowClient(running.url, flow).GlideRecord("sys_user")
    assert record.get("user_name", "admin")


def test_paging_goes_through_all_rows_once(client: Any) -> None:
    record = client.GlideRecord("syslog", batch_size=50)
    record.query()
    seen = {str(r.sys_id) for r in record}
    assert len(seen) == len(record) > 600


def test_dot_walking_in_fields_and_filters(client: Any) -> None:
    record = client.GlideRecord("sys_user")
    record.fields = ["sys_id", "department.name", "department.dept_head.email"]
    record.add_query("department.name", "Finance")
    record.add_query("user_name", "admin")
    record.query()
    assert record.next()
    assert record.get_value("department.dept_head.email") == "natasha.ingram@example.com"


def test_joins_and_related_lists(client: Any) -> None:
    users = client.GlideRecord("sys_user")
    join = users.add_join_query("sys_user_has_role", join_table_field="user")
    join.add_query("role", "2831a114c611228501d4ea6c309d626d")
    users.query()
    assert 11 <= len(users) < 25
    groups = client.GlideRecord("sys_user_group")
    related = groups.add_rl_query("sys_group_has_role", "group", ">0", True)
    related.add_query("role.name", "CONTAINS", "admin")
    groups.query()
    assert 2 < len(groups) < 8


def test_a_record_is_written_changed_and_deleted(client: Any) -> None:
    record = client.GlideRecord("problem")
    record.initialize()
    record.short_description = f"written {uuid.uuid4()}"
    record.nonsense = "is ignored"
    uid = str(record.insert())
    assert str(record.number).startswith("PRB")
    record.short_description = "changed"
    assert record.update()
    again = client.GlideRecord("problem")
    assert again.get(uid)
    assert again.short_description == "changed"
    assert again.delete()
    assert not client.GlideRecord("problem").get(uid)


def test_many_are_changed_in_one_batch(client: Any) -> None:
    mark = str(uuid.uuid4())
    for n in range(5):
        made = client.GlideRecord("problem")
        made.initialize()
        made.short_description = f"{mark} {n}"
        made.insert()
    found = client.GlideRecord("problem")
    found.add_query("short_description", "LIKE", mark)
    found.query()
    while found.next():
        found.short_description = f"{mark} done"
    assert found.update_multiple()
    check = client.GlideRecord("problem")
    check.add_query("short_description", f"{mark} done")
    check.query()
    assert len(check) == 5
    assert check.delete_multiple()


def test_an_attachment_makes_the_round_trip(client: Any) -> None:
    record = client.GlideRecord("problem")
    record.initialize()
    record.insert()
    content = bytes(range(256))
    location = record.add_attachment("bytes.bin", content)
    files = record.get_attachments()
    assert len(files) == 1
    assert files.next()
    assert files.get_link() == location
    assert files.read() == content
    record.delete()
    files = client.Attachment("problem")
    files.add_query("table_sys_id", str(record.sys_id))
    files.query()
    assert not files.next()
