"""A column that the account may not read is null in every row: the night goes on with what is left."""

from __future__ import annotations

import pytest

from pipelines.contracts import sources
from tests.conform.night import DAY, Night, sys_id

KEPT = {"sys_id", "sys_created_on"}
TABLES = ("sysevent", "syslog_transaction", "sys_audit", "sys_audit_delete", "sys_audit_role", "sys_attachment", "sys_email",
          "isc_export_event", "sys_user", "sys_user_has_role", "sys_user_grmember", "sys_properties")  # fmt: skip


def busy() -> Night:
    night = Night()
    anna = night.user("anna", sys_updated_on=f"{DAY} 09:00:00")
    night.event("08:00:00", "login", "anna", "198.51.100.7", user_name="anna", user_id=anna, instance_uid=sys_id("s"))
    night.event(
        "08:01:00",
        "attachment.read",
        "a.pdf",
        "incident",
        user_name="anna",
        table="sys_attachment",
        instance_uid=sys_id("f"),
    )
    night.event("08:02:00", "impersonation.start", "anna", "bert")
    night.request("08:01:01", "anna", f"/sys_attachment.do?sys_id={sys_id('f')}")
    night.request("08:03:00", "bert", "/task_list.do?CSV", type="export")
    night.add("sys_audit", "08:04:00", tablename="incident", fieldname="state", documentkey=sys_id("r"), user="anna")
    night.add("sys_audit_delete", "08:05:00", tablename="incident", documentkey=sys_id("r"), sys_created_by="anna")
    night.add("sys_audit_role", "08:06:00", user=anna, role=sys_id("role"), operation="Added", changed_by=anna)
    night.add(
        "sys_attachment", "08:07:00", file_name="a.pdf", table_name="incident", size_bytes="5", sys_created_by="anna"
    )
    night.add("sys_email", "08:08:00", type="sent", recipients="a@b.example", sys_created_by="anna")
    night.add("isc_export_event", "08:03:01", user_name="anna", table="task", records="5")
    night.add("sys_user_has_role", user=anna, role=sys_id("role"), sys_created_on="2025-01-01 00:00:00")
    night.add("sys_user_grmember", user=anna, group=sys_id("group"), sys_created_on="2025-01-01 00:00:00")
    night.add("sys_properties", name="a.property", sys_updated_on="2025-01-01 00:00:00")
    return night


def test_the_busy_night_has_all_kinds() -> None:
    assert len(busy().activities()) == 10


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_may_be_hidden(table: str) -> None:
    night = busy()
    hidden = dict.fromkeys(set(sources()[table].columns) - KEPT - {"instance", "event_date", "observed_at"})
    night.rows[table] = [{**row, **hidden} for row in night.rows[table]]
    found = night.activities()
    assert len({row["activity_uid"] for row in found}) == len(found)
    assert {row["source_table"] for row in found} >= {"sysevent", "syslog_transaction"} - {table}
    assert len(night.users()) <= 1
