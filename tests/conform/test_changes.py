"""Accounts, roles, groups, records and configuration, from audit or from the difference of snapshots."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conform.night import DAY, Night, sys_id

ADMIN, ANNA = sys_id("user admin"), sys_id("user anna.berg")


@pytest.fixture
def night() -> Night:
    made = Night()
    made.user("admin")
    made.user("anna.berg")
    return made


def audit(
    night: Night, clock: str, table: str, field: str, key: str, new: str, old: str = "", user: str = "admin"
) -> str:
    return night.add(
        "sys_audit", clock, tablename=table, fieldname=field, documentkey=key, oldvalue=old, newvalue=new, user=user
    )


@pytest.mark.parametrize(
    ("field", "new", "verb"),
    [("active", "false", "user_disabled"), ("active", "true", "user_enabled"), ("locked_out", "true", "user_locked"),
     ("locked_out", "false", "user_unlocked"), ("DELETED", "DELETED", "user_deleted")],
)  # fmt: skip
def test_audit_of_an_account_is_a_change_of_it(field: str, new: str, verb: str, night: Night) -> None:
    audit(night, "10:00:00", "sys_user", field, ANNA, new)
    [found] = night.activities()
    assert (found["activity_name"], found["resource_uid"], found["resource_name"]) == (verb, ANNA, "anna.berg")
    assert found["actor_user_name"] == "admin"


def test_an_account_made_today_is_created_once_whoever_tells(night: Night) -> None:
    night.user("new.hire", sys_created_on=f"{DAY} 09:00:00", sys_created_by="admin")
    assert night.only("user_created")["source_table"] == "sys_user"
    night.event("09:00:01", "sys_user.insert", sys_id("user new.hire"), user_name="admin", user_id=ADMIN)
    assert night.only("user_created")["source_table"] == "sysevent"


def test_the_difference_of_two_snapshots_is_activity(night: Night) -> None:
    night.previous["sys_user"] = [
        {"sys_id": ANNA, "user_name": "anna.berg", "active": "true", "locked_out": "false"},
        {"sys_id": ADMIN, "user_name": "admin", "active": "true", "locked_out": "false"},
        {"sys_id": sys_id("user gone"), "user_name": "gone", "active": "true", "locked_out": "false"},
    ]
    night.rows["sys_user"][1] |= {
        "active": "false",
        "locked_out": "true",
        "sys_updated_on": f"{DAY} 11:00:00",
        "sys_updated_by": "admin",
    }
    found = {row["activity_name"]: row for row in night.activities()}
    assert set(found) == {"user_disabled", "user_locked", "user_deleted"}
    assert (f"{found['user_disabled']['time']:%H:%M}", found["user_disabled"]["actor_user_name"]) == ("11:00", "admin")
    assert (f"{found['user_deleted']['time']:%H:%M:%S}", found["user_deleted"]["actor_user_name"]) == ("23:59:59", None)


def test_audit_wins_over_the_difference_of_snapshots(night: Night) -> None:
    night.previous["sys_user"] = [{"sys_id": ANNA, "user_name": "anna.berg", "active": "true", "locked_out": "false"}]
    night.rows["sys_user"] = [night.rows["sys_user"][1] | {"active": "false"}]
    audit(night, "10:00:00", "sys_user", "active", ANNA, "false")
    assert night.only("user_disabled")["source_table"] == "sys_audit"


def test_a_later_snapshot_says_nothing_about_this_days_changes(night: Night) -> None:
    night.taken_on = DAY + timedelta(days=3)
    night.previous["sys_user"] = [{"sys_id": ANNA, "user_name": "anna.berg", "active": "false", "locked_out": "false"}]
    assert night.activities() == []


def test_a_role_is_granted_once_by_audit_and_by_snapshot_without_audit(night: Night) -> None:
    role = night.add("sys_user_role", sys_id=sys_id("role"), name="itil")
    night.add(
        "sys_user_has_role",
        user=ANNA,
        role=role,
        sys_created_on=f"{DAY} 10:00:00",
        sys_created_by="admin",
        inherited="false",
    )
    night.add("sys_user_has_role", user=ANNA, role=sys_id("inner"), sys_created_on=f"{DAY} 10:00:00", inherited="true")
    found = night.only("role_granted")
    assert (found["detail"], found["resource_uid"], found["actor_user_name"]) == ("itil", ANNA, "admin")
    night.add("sys_audit_role", "10:00:00", user=ANNA, role=role, operation="Added", changed_by=ADMIN)
    found = night.only("role_granted")
    assert (found["source_table"], found["actor_user_name"], found["actor_user_uid"]) == (
        "sys_audit_role",
        "admin",
        ADMIN,
    )


def test_a_well_known_role_has_its_name_without_the_role_table(night: Night) -> None:
    night.add(
        "sys_audit_role",
        "10:00:00",
        user=ANNA,
        role="2831a114c611228501d4ea6c309d626d",
        operation="Removed",
        changed_by=ADMIN,
    )
    assert night.only("role_revoked")["detail"] == "admin"


def test_a_role_missing_from_the_next_snapshot_was_revoked_by_nobody_known(night: Night) -> None:
    night.previous["sys_user_has_role"] = [
        {"sys_id": sys_id(1), "user": ANNA, "role": sys_id("role"), "inherited": "false"}
    ]
    found = night.only("role_revoked")
    assert (found["actor_user_name"], found["resource_uid"]) == (None, ANNA)


def test_members_come_and_go(night: Night) -> None:
    group = night.add("sys_user_group", sys_id=sys_id("group"), name="Network")
    night.event("10:00:00", "sn_change_cab.group_member.added", group, ANNA, user_name="admin")
    night.event("11:00:00", "sn_change_cab.group_member.removed", ANNA, group, user_name="admin")
    found = [(row["activity_name"], row["resource_uid"], row["detail"]) for row in night.activities()]
    assert found == [("group_member_added", ANNA, "Network"), ("group_member_removed", ANNA, "Network")]


def test_one_save_of_three_fields_is_one_activity(night: Night) -> None:
    for field in ("state", "priority", "assigned_to"):
        audit(night, "10:00:00", "incident", field, sys_id("record"), "x")
    audit(night, "10:00:01", "incident", "state", sys_id("record"), "y")
    assert [row["detail"] for row in night.activities()] == ["assigned_to, priority, state", "state"]


def test_a_deletion_told_twice_is_one(night: Night) -> None:
    audit(night, "10:00:00", "incident", "DELETED", sys_id("record"), "DELETED")
    night.add(
        "sys_audit_delete", "10:00:01", tablename="incident", documentkey=sys_id("record"), sys_created_by="admin"
    )
    night.add("sys_audit_delete", "10:00:01", tablename="incident", documentkey=sys_id("another"), sys_created_by="admin",
              display_value="INC1")  # fmt: skip
    found = [(row["activity_name"], row["resource_uid"], row["source_table"]) for row in night.activities()]
    assert sorted(found) == sorted(
        [("record_deleted", sys_id("record"), "sys_audit"), ("record_deleted", sys_id("another"), "sys_audit_delete")]
    )


def test_a_property_changed_today_is_named_without_its_value(night: Night) -> None:
    key = night.add("sys_properties", sys_id=sys_id("p"), name="glide.authenticate.multifactor", value="hush",
                    sys_updated_on=f"{DAY} 10:00:00", sys_updated_by="admin")  # fmt: skip
    found = night.only("configuration_changed")
    assert (found["resource_name"], found["actor_user_name"]) == ("glide.authenticate.multifactor", "admin")
    assert "hush" not in str(found)
    audit(night, "10:00:00", "sys_properties", "value", key, "hush")
    found = night.only("configuration_changed")
    assert (found["source_table"], found["resource_name"]) == ("sys_audit", "glide.authenticate.multifactor")
    assert "hush" not in str(found)


def test_mail_tells_the_domains_it_went_to(night: Night) -> None:
    night.add("sys_email", "10:00:00", type="sent", state="processed", recipients="Bob <bob@Rival.example>,c@gmail.com", copied="d@gmail.com",
              sys_created_by="anna.berg", subject="the plan", target_table="incident")  # fmt: skip
    night.add("sys_email", "10:00:01", type="send-failed", recipients="x@y.example", sys_created_by="anna.berg")
    sent = [row for row in night.activities() if row["activity_name"] == "email_sent"]
    assert [(row["detail"], row["status"]) for row in sent] == [
        ("gmail.com, rival.example", "success"),
        ("y.example", "failure"),
    ]
