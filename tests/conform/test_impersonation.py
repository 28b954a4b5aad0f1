"""The true actor of an impersonated action."""

from __future__ import annotations

import pytest

from tests.conform.night import Night, sys_id

AGENT, VICTIM = "desk.agent", "anna.berg"
SESSION = sys_id("agent's session")


@pytest.fixture
def night() -> Night:
    made = Night()
    made.user(AGENT)
    made.user(VICTIM)
    made.event("09:00:00", "login", AGENT, "198.51.100.20", instance_uid=SESSION)
    made.event("10:00:00", "impersonation.start", AGENT, VICTIM, user_name=AGENT)
    return made


def acted(night: Night, verb: str) -> list[tuple[str, bool, str]]:
    return [(row["actor_user_name"], row["is_impersonated"], row["effective_user_name"]) for row in night.activities()
            if row["activity_name"] == verb]  # fmt: skip


def test_an_action_inside_the_window_is_the_impersonators(night: Night) -> None:
    night.request("10:05:00", VICTIM, "/incident_list.do", type="list", session=SESSION)
    assert acted(night, "page_viewed") == [(AGENT, True, VICTIM)]


@pytest.mark.parametrize(
    ("name", "parms"),
    [("impersonation.end", (AGENT, VICTIM)), ("logout", (AGENT, "")), ("impersonation.start", (AGENT, "another"))],
)
def test_the_window_closes(name: str, parms: tuple[str, str], night: Night) -> None:
    night.event("10:10:00", name, *parms, user_name="guest")
    night.request("10:20:00", VICTIM, "/incident_list.do", type="list", session=sys_id("own"))
    assert acted(night, "page_viewed") == [(VICTIM, False, VICTIM)]


def test_an_open_window_closes_after_twelve_hours(night: Night) -> None:
    night.request("21:59:00", VICTIM, "/incident_list.do", type="list", session=SESSION)
    night.request("22:01:00", VICTIM, "/incident_list.do", type="list", session=SESSION)
    assert [who for who, _, _ in acted(night, "page_viewed")] == [AGENT, VICTIM]


def test_the_impersonated_person_may_work_meanwhile_in_an_own_session(night: Night) -> None:
    night.event("09:30:00", "login", VICTIM, "203.0.113.5", instance_uid=sys_id("own"))
    night.request("10:05:00", VICTIM, "/incident_list.do", type="list", session=sys_id("own"), remote_ip="203.0.113.5")
    night.request("10:06:00", VICTIM, "/incident_list.do", type="list", session=SESSION, remote_ip="198.51.100.20")
    assert acted(night, "page_viewed") == [(VICTIM, False, VICTIM), (AGENT, True, VICTIM)]


def test_an_event_without_a_session_takes_that_of_the_nearest_request(night: Night) -> None:
    night.request("10:05:00", VICTIM, "/incident.do", type="form", session=SESSION)
    night.add(
        "sys_audit",
        "10:05:02",
        tablename="incident",
        fieldname="state",
        documentkey=sys_id("r"),
        user=VICTIM,
        newvalue="x",
    )
    assert acted(night, "record_updated") == [(AGENT, True, VICTIM)]


def test_without_any_sign_of_a_session_it_is_whoever_can_have_done_it(night: Night) -> None:
    night.add(
        "sys_audit",
        "10:05:02",
        tablename="incident",
        fieldname="state",
        documentkey=sys_id("r"),
        user=VICTIM,
        newvalue="x",
    )
    assert acted(night, "record_updated") == [(AGENT, True, VICTIM)]
    night.event("09:30:00", "login", VICTIM, "203.0.113.5", instance_uid=sys_id("own"))
    assert acted(night, "record_updated") == [(VICTIM, False, VICTIM)]


def test_a_window_that_opened_yesterday_still_counts(night: Night) -> None:
    late = Night()
    late.user(AGENT)
    late.user(VICTIM)
    late.event("2026-09-23 23:58:00", "login", AGENT, "198.51.100.20", instance_uid=SESSION)
    late.event("2026-09-23 23:59:00", "impersonation.start", AGENT, VICTIM, user_name=AGENT)
    late.request("00:01:00", VICTIM, "/incident_list.do", type="list", session=SESSION)
    assert acted(late, "page_viewed") == [(AGENT, True, VICTIM)]


def test_start_and_end_are_activities_of_the_impersonator(night: Night) -> None:
    found = night.only("impersonation_start")
    assert (found["actor_user_name"], found["resource_name"], found["resource_uid"]) == (
        AGENT,
        VICTIM,
        sys_id("user " + VICTIM),
    )
    assert (found["src_ip"], found["ip_source"]) == ("198.51.100.20", "last_login")
