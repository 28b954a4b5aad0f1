"""The real records of `../shared/reference/servicenow-samples`: each lands as its raw contract and comes out as what it was.

Those files are not all in the Table API's shape: the first set has null where the wire has '' and dot-walked names, the
second wraps rows in `result` and references in `link` and `value`. `as_row` undoes exactly that.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts import sources
from pipelines.contracts.table import conform as checked
from tests.conform.night import Night

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "reference" / "servicenow-samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the sample records are not at {SAMPLES}")

LOGS, DOCS = "appomni-event-maturity-matrix", "servicenow-docs-examples"

#: file -> (table, activity, actor, what it is about)
RECORDS: dict[str, tuple[str, str, str | None, str | None]] = {
    "event/authentication_account_login": ("sysevent", "login", "admin", "1234abc1234abc1234abc1234abc1234"),
    "event/authentication_account_logout": ("sysevent", "logout", "admin", "1234abc1234abc1234abc1234abc1234"),
    "event/activity_audit_create_resource": (
        "sysevent",
        "record_updated",
        "0123401234",
        "1234abc1234abc1234abc1234abc1234",
    ),
    "event/activity_audit_delete_resource": (
        "sysevent",
        "file_deleted",
        "012340123",
        "93125c9a87254ad0aeb2dc273cbb35ea",
    ),
    "event/activity_audit_download_resource": ("sysevent", "other", "system", None),
    "event/activity_audit_read_resource": (
        "sysevent",
        "report_viewed",
        "0123401234",
        "1234abc1234abc1234abc1234abc1234",
    ),
    "event/activity_audit_update_resource": (
        "sysevent",
        "record_updated",
        "servicenow_sync",
        "1234abc1234abc1234abc1234abc1234",
    ),
    "event/authorization_add_to_group": ("sysevent", "group_member_added", "admin", "d5fe9df69721021096f8ba6de053af69"),
    "event/authorization_remove_from_group": (
        "sysevent",
        "group_member_removed",
        "admin",
        "d5fe9df69721021096f8ba6de053af69",
    ),
    "event/authorization_create_user": ("sysevent", "user_created", "admin", "5d7e55b69721021096f8ba6de053aff1"),
    "event/authorization_delete_user": ("sysevent", "user_deleted", "admin", "71826bf03710200044e0bfc8bcbe5d3b"),
    "event/authorization_update_group": ("sysevent", "group_changed", "admin", "32f097e7934d4a109a3afea47aba10a5"),
    "event/authorization_delete_group": ("sysevent", "group_changed", "admin", "32f097e7934d4a109a3afea47aba10a5"),
    "event/authorization_read_user": ("sysevent", "record_viewed", "admin", "1234abc1234abc1234abc1234abc1234"),
    "event/authorization_update_role": ("sysevent", "privilege_elevated", "A509500", None),
    "audit/activity_audit_update_resource": (
        "sys_audit",
        "record_updated",
        "system",
        "34abc1234abc1234abc1234abc1234ab",
    ),
    "audit/activity_audit_delete_resource": (
        "sys_audit",
        "record_deleted",
        "system",
        "34abc1234abc1234abc1234abc1234ab",
    ),
    "audit_role/authorization_add_permission": (
        "sys_audit_role",
        "role_granted",
        None,
        "234abc1234abc1234abc1234abc1234a",
    ),
    "audit_role/authorization_remove_permission": (
        "sys_audit_role",
        "role_revoked",
        None,
        "234abc1234abc1234abc1234abc1234a",
    ),
    "export/activity_audit_download_resource": ("isc_export_event", "exported", "admin", None),
    "attachment_get": ("sys_attachment", "file_uploaded", "glide.maint", "615ea769c0a80166001cf5f2367302f5"),
    "attachment_list": ("sys_attachment", "file_uploaded", "glide.maint", "615ea769c0a80166001cf5f2367302f5"),
    "attachment_post_file": ("sys_attachment", "file_uploaded", "admin", "6ea10fe64f411200adf9f8e18110c739"),
    "email_get": ("sys_email", "email_sent", None, "06e095427f0022007f005212bdfa91b3"),
}
#: Accounts: they come out as rows of core__user and, on the day they were made, as an activity.
ACCOUNTS = {"customer_contact_list"}
#: Answers that hold no row of a table that is read: aggregates, tokens, errors, tables outside the product's scope.
NO_ROWS = {
    "aggregate_avg_group_by", "attachment_attributes_get", "error_429_rate_limit", "oauth_token_password_grant",
    "table_dotwalk_display_value", "table_get_incident", "table_list_problem", "table_post_incident", "table_put_incident",
}  # fmt: skip


def path_of(name: str) -> Path:
    return SAMPLES / (LOGS if "/" in name else DOCS) / f"{name}.json"


def rows_of(name: str) -> list[dict[str, Any]]:
    body = json.loads(path_of(name).read_text(encoding="utf-8"))
    found = body.get("result", body)
    return found if isinstance(found, list) else [found]


def as_row(table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Wire columns to ours: null -> '', a reference to its value, nothing that the contract does not read."""
    if table == "sys_email" and "id" in given:  # the E-mail API's own names, without the audit columns
        given = {
            "sys_id": given["id"],
            "recipients": ",".join(given["to"]),
            "sys_created_on": "2026-01-22 15:14:07",
            **given,
        }
    ours = sources()[table].wire_columns
    return {
        ours[key]: "" if value is None else value["value"] if isinstance(value, dict) else str(value)
        for key, value in given.items()
        if key in ours
    }


def test_every_file_is_spoken_for() -> None:
    files = {str(path.relative_to(SAMPLES / LOGS).with_suffix("")) for path in (SAMPLES / LOGS).rglob("*.json")}
    files |= {path.stem for path in (SAMPLES / DOCS).glob("*.json")}
    assert files == RECORDS.keys() | ACCOUNTS | NO_ROWS
    assert len(files) == 34


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_real_record_lands_and_comes_out_as_what_it_was(name: str) -> None:
    table, verb, actor, about = RECORDS[name]
    [given] = rows_of(name)
    row = as_row(table, given)
    day = date.fromisoformat(row["sys_created_on"][:10])
    night = Night(day)
    night.rows[table].append(row)
    landed = night.connect().table(f"raw_servicenow__{table}").to_arrow_table()
    assert checked(sources()[table], landed).num_rows == 1
    [found] = night.activities()
    assert found["activity_name"] == verb
    assert found["actor_user_name"] == actor
    assert about is None or found["resource_uid"] == about
    assert (found["source_table"], found["source_uid"]) == (table, row["sys_id"])
    assert found["is_system"] == (actor in {"system", "glide.maint"})


def test_the_real_login_and_export_keep_their_details() -> None:
    night = Night(date(2024, 4, 15))
    night.rows["sysevent"].append(as_row("sysevent", rows_of("event/authentication_account_login")[0]))
    login = night.only("login")
    assert (login["src_ip"], login["ip_source"], login["actor_user_uid"]) == (
        "198.51.100.1",
        "event",
        "34abc1234abc1234abc1234abc1234ab",
    )
    night = Night(date(2024, 4, 16))
    night.rows["isc_export_event"].append(
        as_row("isc_export_event", rows_of("export/activity_audit_download_resource")[0])
    )
    export = night.only("exported")
    assert (export["row_count"], export["bytes"], export["resource_type"]) == (28, 7019, "task")


def test_real_customer_contacts_are_external_accounts() -> None:
    night = Night(date(2026, 9, 24))
    night.rows["sys_user"] = [as_row("sys_user", row) for row in rows_of("customer_contact_list")]
    users = night.users()
    assert users["george.warren"]["is_external"] is True
    assert users["george.warren"]["is_active"] is True
    assert users["george.warren"]["is_integration"] is False
    assert night.activities() == []


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_real_record_seen_twice_is_one_activity(name: str) -> None:
    row = as_row(RECORDS[name][0], rows_of(name)[0])
    night = Night(date.fromisoformat(row["sys_created_on"][:10]))
    night.rows[RECORDS[name][0]] += [row, dict(row)]
    assert len(night.activities()) == 1
