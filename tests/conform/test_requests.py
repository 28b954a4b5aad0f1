"""What a request means by its address and type."""

from __future__ import annotations

import pytest

from tests.conform.night import Night, sys_id

ID = sys_id("a record")


@pytest.fixture
def night() -> Night:
    made = Night()
    made.user("anna.berg")
    return made


@pytest.mark.parametrize(
    ("url", "kind", "verb", "on_table", "record"),
    [
        (f"/incident.do?sys_id={ID}&sysparm_view=", "form", "record_viewed", "incident", ID),
        (f"/kb_view.do?sys_kb_id={ID}", "other", "record_viewed", "kb_knowledge", ID),
        (f"/sp?id=ticket&table=incident&sys_id={ID}", "other", "record_viewed", "incident", ID),
        (f"/now/sow/record/incident/{ID}/params/x", "other", "record_viewed", "incident", ID),
        ("/incident_list.do?sysparm_query=active=true", "list", "page_viewed", "incident", None),
        ("/navpage.do", "other", "page_viewed", "navpage", None),
        ("/now/nav/ui/classic/params/target/incident_list.do", "other", "page_viewed", "incident", None),
        (f"/api/now/table/incident/{ID}?sysparm_fields=number", "rest", "api_request", "incident", ID),
        ("/api/now/v2/table/sys_user?sysparm_limit=10", "rest", "api_request", "sys_user", None),
        ("/api/now/stats/task?sysparm_count=true", "rest", "api_request", "task", None),
        ("/ecc_queue.do?SOAP", "soap", "api_request", "ecc_queue", None),
        ("/xmlhttp.do", "xmlhttp", "other", "xmlhttp", None),
        ("/amb/connect", "amb", "other", None, None),
        ("/sys_report_template.do?jvar_report_id=x", "report", "page_viewed", "sys_report_template", None),
        ("/sys_report_template.do?jvar_report_id=x", "other", "exported", "sys_report", None),
    ],
)
def test_an_address_tells_the_verb_the_table_and_the_record(
    url: str, kind: str, verb: str, on_table: str | None, record: str | None, night: Night
) -> None:
    night.request("10:00:00", "anna.berg", url, type=kind)
    [found] = night.activities()
    assert (found["activity_name"], found["resource_type"], found["resource_uid"]) == (verb, on_table, record)
    assert (found["actor_user_name"], found["ip_source"], found["bytes"]) == ("anna.berg", "transaction", 1000)


def test_a_job_is_the_systems_even_where_it_runs_as_a_person(night: Night) -> None:
    night.request(
        "10:00:00", "anna.berg", "JOB: Scheduled report", type="scheduler", remote_ip="", user_agent="", session=""
    )
    [found] = night.activities()
    assert (found["activity_name"], found["is_system"], found["is_interactive"]) == ("other", True, False)
    assert (found["resource_name"], found["src_ip"]) == ("Scheduled report", None)


def test_a_cancelled_or_refused_request_failed(night: Night) -> None:
    night.request("10:00:00", "anna.berg", "/incident_list.do CANCELLED", type="list")
    night.request("10:00:01", "anna.berg", "/incident_list.do", type="list", status="403")
    night.request("10:00:02", "anna.berg", "/incident_list.do", type="list", status="")
    assert [row["status"] for row in night.activities()] == ["failure", "failure", "success"]


@pytest.mark.parametrize(
    "hostile",
    [
        "'; DROP TABLE conform_found; --",
        "/x.do?sys_id=" + "a" * 100_000,
        "\x00\x1b[2J",
        "{}",
        "%",
        "/\\",
        "/api/now/table/'\"/x",
        "🦆.do?",
    ],
)
def test_hostile_text_is_data(hostile: str, night: Night) -> None:
    night.request("10:00:00", hostile, hostile, type=hostile, user_agent=hostile, remote_ip=hostile, session=hostile)
    night.event(
        "10:00:01", hostile, hostile, hostile, user_name=hostile, user_id=hostile, instance_uid=hostile, table=hostile
    )
    night.event("10:00:02", "login.failed", hostile, hostile)
    night.add("sys_audit", "10:00:03", tablename=hostile, fieldname=hostile, documentkey=hostile, user=hostile)
    assert len({row["activity_uid"] for row in night.activities(own_user_names=[hostile])}) == 4


def test_a_time_that_is_none_is_left_out_without_an_error(night: Night) -> None:
    night.add("sysevent", sys_created_on="2026-09-24 25:61:00", name="login", parm1="anna.berg")
    night.event("10:00:00", "login", "anna.berg")
    assert night.names() == ["login"]
