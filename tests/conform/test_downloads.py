"""Both variants of what the documentation leaves open: does REST raise attachment.read, and does the event name its file."""

from __future__ import annotations

import pytest

from tests.conform.night import Night, sys_id

FILE, USER = sys_id("a file"), "anna.berg"


@pytest.fixture
def night() -> Night:
    made = Night()
    made.user(USER)
    made.add("sys_attachment", "2026-09-10 10:00:00", sys_id=FILE, file_name="plan.pdf", size_bytes="5000",
             table_name="incident", table_sys_id=sys_id("the incident"), sys_created_by="old.owner")  # fmt: skip
    return made


def read(night: Night, clock: str, instance: str = FILE) -> str:
    return night.event(
        clock, "attachment.read", "plan.pdf", "incident", table="sys_attachment", instance_uid=instance, user_name=USER
    )


def downloads(night: Night) -> list[dict[str, object]]:
    return [row for row in night.activities() if row["activity_name"] == "file_downloaded"]


def test_an_event_takes_address_browser_and_bytes_from_its_request(night: Night) -> None:
    read(night, "10:00:10")
    night.request("10:00:40", USER, f"/sys_attachment.do?sys_id={FILE}", output_length="4321")
    [found] = downloads(night)
    assert (found["source_table"], found["ip_source"], found["src_ip"]) == ("sysevent", "transaction", "198.51.100.9")
    assert (found["bytes"], found["resource_uid"], found["resource_name"]) == (4321, FILE, "plan.pdf")
    assert (found["parent_table"], found["parent_uid"]) == ("incident", sys_id("the incident"))


def test_a_request_thirty_one_seconds_away_is_another_download(night: Night) -> None:
    read(night, "10:00:00")
    night.request("10:00:31", USER, f"/sys_attachment.do?sys_id={FILE}")
    assert len(downloads(night)) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_placed_by_the_nearest_second_takes_its_lowest_sys_id(turned: bool, night: Night) -> None:
    read(night, "10:00:20")
    night.request("10:00:28", USER, "/home.do", remote_ip="198.51.100.28")
    made = [("0" * 32, "198.51.100.1"), ("f" * 32, "198.51.100.2")]
    for key, address in reversed(made) if turned else made:
        night.request("10:00:17", USER, "/home.do", remote_ip=address, session=sys_id(address), sys_id=key)
    [found] = downloads(night)
    assert (found["src_ip"], found["ip_source"]) == ("198.51.100.1", "transaction")
    assert found["session_uid"] == sys_id("198.51.100.1")


def test_an_event_without_any_request_takes_the_last_login(night: Night) -> None:
    night.event("08:00:00", "login", USER, "203.0.113.7")
    read(night, "10:00:10")
    [found] = downloads(night)
    assert (found["src_ip"], found["ip_source"], found["bytes"]) == ("203.0.113.7", "last_login", 5000)


@pytest.mark.parametrize(
    "url", ["/api/now/attachment/{}/file", "/api/now/v1/attachment/{}/file", "/api/now/v2/attachment/{}/file"]
)
@pytest.mark.parametrize("raises_event", [True, False])
@pytest.mark.parametrize("names_file", [True, False])
def test_a_rest_download_counts_once_in_every_variant(
    url: str, raises_event: bool, names_file: bool, night: Night
) -> None:
    for minute in range(3):
        night.request(f"10:{minute:02}:00", USER, url.format(FILE), type="rest")
        if raises_event:
            read(night, f"10:{minute:02}:01", FILE if names_file else "")
    found = downloads(night)
    assert len(found) == 3
    assert {row["resource_uid"] for row in found} == {FILE}


@pytest.mark.parametrize("names_file", [True, False])
def test_a_burst_of_fifty_files_is_fifty_downloads(names_file: bool, night: Night) -> None:
    for nth in range(50):
        file = sys_id(f"file {nth}")
        night.request(f"10:00:{nth:02}", USER, f"/sys_attachment.do?sys_id={file}")
        read(night, f"10:00:{min(59, nth + nth % 2):02}", file if names_file else "")
    assert len(downloads(night)) == 50


def test_rest_downloads_without_events_are_not_hidden_by_a_single_event_of_another_file(night: Night) -> None:
    for nth in range(30):
        night.request(f"10:00:{nth:02}", USER, f"/api/now/attachment/{sys_id(nth)}/file", type="rest")
    read(night, "10:00:15", "")
    assert len(downloads(night)) >= 30


def test_a_page_request_without_an_event_is_a_download(night: Night) -> None:
    night.request("10:00:00", USER, f"/sys_attachment.do?view=true&sys_id={FILE}")
    [found] = downloads(night)
    assert (found["source_table"], found["resource_name"], found["is_interactive"]) == (
        "syslog_transaction",
        "plan.pdf",
        True,
    )


def test_a_refused_download_is_a_failure(night: Night) -> None:
    night.request("10:00:00", USER, f"/api/now/attachment/{FILE}/file", type="rest", status="403")
    assert downloads(night)[0]["status"] == "failure"


def test_all_attachments_of_a_record_are_one_zip(night: Night) -> None:
    night.request(
        "10:00:00",
        USER,
        f"/download_all_attachments.do?sysparm_sys_id={FILE}&sysparm_table=incident",
        output_length="999",
    )
    [found] = downloads(night)
    assert (found["detail"], found["bytes"], found["parent_table"], found["parent_uid"]) == (
        "zip",
        999,
        "incident",
        FILE,
    )


def test_the_upload_page_is_no_download(night: Night) -> None:
    night.request("10:00:00", USER, "/sys_attachment.do?sysparm_target=upload", type="form")
    assert downloads(night) == []


def test_uploads_are_new_attachments_and_not_events_and_not_inline_images(night: Night) -> None:
    night.event("10:00:00", "attachment.uploaded", "a.pdf", "incident", user_name=USER)
    for nth, table in enumerate(["incident", "incident", "ZZ_YYincident"]):
        night.add(
            "sys_attachment", "10:00:00", file_name=f"{nth}.pdf", table_name=table, size_bytes="7", sys_created_by=USER
        )
    night.request("10:00:02", USER, "/sys_attachment.do?sysparm_target=upload", type="form")
    found = [row for row in night.activities() if row["activity_name"] == "file_uploaded"]
    assert sorted(row["resource_name"] for row in found) == ["0.pdf", "1.pdf"]
    assert {(row["bytes"], row["ip_source"]) for row in found} == {(7, "transaction")}


def test_a_deleted_file_keeps_the_name_it_had(night: Night) -> None:
    night.event("10:00:00", "attachment.deleted", "sys_attachment", FILE, instance_uid=FILE, user_name=USER)
    found = night.only("file_deleted")
    assert (found["resource_uid"], found["resource_name"], found["bytes"]) == (FILE, "plan.pdf", 5000)


def test_a_rename_keeps_both_parameters_as_they_came(night: Night) -> None:
    night.event(
        "10:00:00",
        "attachment.renamed",
        "plan.pdf",
        "plan.locked",
        table="sys_attachment",
        instance_uid=FILE,
        user_name=USER,
    )
    found = night.only("file_renamed")
    assert (found["resource_uid"], found["detail"]) == (FILE, "plan.pdf | plan.locked")


@pytest.mark.parametrize("form", ["CSV", "XML", "XLSX", "EXCEL", "XLS", "PDF", "JSON", "JSONv2", "UNL"])
def test_an_export_is_told_by_its_address(form: str, night: Night) -> None:
    night.request(
        "10:00:00", USER, f"/incident_list.do?{form}&sysparm_query=active=true", type="other", output_length="77"
    )
    found = night.only("exported")
    assert (found["resource_type"], found["detail"], found["bytes"], found["row_count"]) == ("incident", form, 77, None)


def test_an_export_event_brings_rows_and_is_not_counted_with_its_request(night: Night) -> None:
    night.request("10:00:00", USER, "/task_list.do?CSV", type="export")
    night.add(
        "isc_export_event",
        "10:00:05",
        user=sys_id("user " + USER),
        user_name=USER,
        table="task",
        records="28",
        size="7019",
    )
    found = night.only("exported")
    assert (found["source_table"], found["row_count"], found["bytes"], found["src_ip"]) == (
        "isc_export_event",
        28,
        7019,
        "198.51.100.9",
    )
