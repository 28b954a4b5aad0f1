"""core__user: accounts as of the end of a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines import conform
from pipelines.contracts import contract
from pipelines.contracts.table import conform as checked
from tests.conform.night import DAY, INSTANCE, Night, sys_id


def test_the_relation_has_exactly_the_contracts_columns() -> None:
    night = Night()
    night.user("anna")
    found = conform.users(night.connect(), INSTANCE, DAY).to_arrow_table()
    assert checked(contract("core__user"), found).num_rows == 1


@pytest.mark.parametrize(
    ("mail", "domain"),
    [("a@mail.eu.Acme.com", "acme.com"), ("a@acme.co.uk", "acme.co.uk"), ("a@x.acme.com.br", "acme.com.br"), ("a@localhost", None),
     ("no address", None), ("", None)],
)  # fmt: skip
def test_a_mail_address_is_kept_as_its_registrable_domain(mail: str, domain: str | None) -> None:
    night = Night()
    night.user("anna", email=mail)
    assert night.users()["anna"]["email_domain"] == domain


@pytest.mark.parametrize(
    ("flag", "source", "due"),
    [("true", "", True), ("false", "", False), ("true", "ldap:CN=anna", False), ("true", None, None), (None, "", None), ("maybe", "", None)],
)  # fmt: skip
def test_a_change_of_the_password_is_due_where_no_directory_keeps_it(
    flag: str | None, source: str | None, due: bool | None
) -> None:
    night = Night()
    night.user("anna", password_needs_reset=flag, source=source)
    assert night.users()["anna"]["is_password_reset_due"] is due


def test_a_later_snapshot_does_not_say_what_was_due() -> None:
    night = Night()
    night.user("anna", password_needs_reset="true", source="")
    night.taken_on = DAY + timedelta(days=1)
    assert night.users()["anna"]["is_password_reset_due"] is None


def test_roles_and_groups_are_sorted_and_privilege_follows() -> None:
    night = Night()
    uid = night.user("anna")
    night.user("bert")
    for name in ("itil", "admin"):
        role = night.add("sys_user_role", sys_id=sys_id(name), name=name)
        night.add("sys_user_has_role", user=uid, role=role, state="active", sys_created_on="2025-01-01 00:00:00")
    night.add(
        "sys_user_has_role",
        user=uid,
        role="940ba702933002009c8579b4f47ffbe2",
        state="active",
        sys_created_on="2025-01-01 00:00:00",
    )
    night.add("sys_user_grmember", user=uid, group=sys_id("g"), sys_created_on="2025-01-01 00:00:00")
    anna, bert = night.users()["anna"], night.users()["bert"]
    assert anna["role_names"] == ["admin", "itil", "snc_external"]
    assert (anna["is_privileged"], anna["is_external"], anna["group_uids"]) == (True, True, [sys_id("g")])
    assert (bert["is_privileged"], bert["is_external"], bert["role_names"], bert["group_uids"]) == (
        False,
        False,
        [],
        [],
    )


def test_what_cannot_be_read_is_unknown_and_not_no() -> None:
    night = Night()
    night.user("anna", internal_integration_user="", web_service_access_only="")
    anna = night.users()["anna"]
    assert [anna[name] for name in ("is_privileged", "is_external", "role_names", "group_uids", "is_integration")] == [
        None
    ] * 5


def test_a_role_granted_after_the_day_is_not_held_on_it() -> None:
    night = Night()
    uid = night.user("anna")
    night.taken_on = DAY + timedelta(days=5)
    night.add(
        "sys_user_has_role",
        user=uid,
        role="2831a114c611228501d4ea6c309d626d",
        sys_created_on=f"{DAY + timedelta(days=2)} 08:00:00",
    )
    assert night.users()["anna"]["is_privileged"] is False


def test_a_later_snapshot_is_marked_and_never_says_that_somebody_had_left_already() -> None:
    night = Night()
    night.taken_on = DAY + timedelta(days=5)
    night.user("still.here")
    night.user("left.since", active="false", sys_updated_on=f"{DAY + timedelta(days=3)} 08:00:00")
    night.user("left.before", active="false", sys_updated_on=f"{DAY - timedelta(days=3)} 08:00:00")
    night.user("not.yet", sys_created_on=f"{DAY + timedelta(days=1)} 08:00:00")
    users = night.users()
    assert {name: row["is_active"] for name, row in users.items()} == {
        "still.here": True,
        "left.since": None,
        "left.before": False,
    }
    assert {row["profile_source"] for row in users.values()} == {"reconstructed"}


def test_an_account_deleted_since_the_snapshot_before_is_kept_as_inactive() -> None:
    night = Night()
    night.user("anna")
    night.previous["sys_user"] = [
        {"sys_id": sys_id("gone"), "user_name": "gone", "active": "true", "sys_created_on": "2020-01-01 00:00:00"}
    ]
    users = night.users()
    assert (users["gone"]["is_active"], users["anna"]["is_active"]) == (False, True)


def test_an_account_seen_twice_is_one_row() -> None:
    night = Night()
    night.user("anna", sys_updated_on="2026-01-01 00:00:00", title="old")
    night.user("anna", sys_updated_on="2026-02-01 00:00:00", title="new")
    assert night.users()["anna"]["title"] == "new"


@pytest.mark.parametrize(
    ("now", "before", "known"),
    [
        ("2025-08-01 07:00:00", "", "2025-08-01 07:00:00"),
        (f"{DAY} 08:00:00", "2025-08-01 07:00:00", "2025-08-01 07:00:00"),
        (f"{DAY} 08:00:00", "", None),
        ("", "", None),
    ],
)
def test_the_login_of_the_day_itself_gives_way_to_the_one_before(now: str, before: str, known: str | None) -> None:
    night = Night()
    uid = night.user("anna", last_login_time=now)
    night.previous["sys_user"] = [{"sys_id": uid, "user_name": "anna", "active": "true", "last_login_time": before}]

    found = night.users()["anna"]["last_login_at"]

    assert (found and f"{found:%Y-%m-%d %H:%M:%S}") == known
