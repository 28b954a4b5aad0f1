"""Logins, failed logins, sessions."""

from __future__ import annotations

import pytest

from tests.conform.night import Night, sys_id

SESSION = sys_id("the session")


@pytest.fixture
def night() -> Night:
    made = Night()
    made.user("Anna.Berg")
    return made


def test_one_single_sign_on_login_raises_three_events_and_is_one_login_with_the_address(night: Night) -> None:
    night.event(
        "08:00:00", "external.authentication.succeeded", "anna.berg", "https://acme/navpage.do", instance_uid=SESSION
    )
    kept = night.event("08:00:03", "login", "anna.berg", "198.51.100.7", instance_uid=SESSION)
    night.event("08:00:04", "session.established", "anna.berg", "198.51.100.7", instance_uid=SESSION)
    found = night.only("login")
    assert (found["source_uid"], found["src_ip"], found["ip_source"]) == (kept, "198.51.100.7", "event")
    assert found["detail"] == "single sign-on"
    assert found["activity_uid"] == f"sysevent:{kept}"


def test_a_single_sign_on_without_login_event_takes_the_address_of_its_session(night: Night) -> None:
    night.event("08:00:00", "external.authentication.succeeded", "anna.berg", "https://acme/", instance_uid=SESSION)
    night.request("08:00:02", "anna.berg", "/navpage.do", session=SESSION, remote_ip="198.51.100.8")
    found = night.only("login")
    assert (found["src_ip"], found["ip_source"]) == ("198.51.100.8", "session")
    assert found["user_agent"] == "Mozilla/5.0 (X11) Firefox/140.0"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("session", [SESSION, ""])
def test_of_two_requests_in_one_second_the_lower_sys_id_says_which_browser(
    turned: bool, session: str, night: Night
) -> None:
    night.event("08:00:00", "login", "anna.berg", "198.51.100.8", instance_uid=SESSION)
    night.request("08:00:09", "anna.berg", "/later.do", session=session, remote_ip="198.51.100.8", user_agent="later")
    made = [("0" * 32, "first"), ("f" * 32, "second")]
    for key, agent in reversed(made) if turned else made:
        night.request(
            "08:00:02", "anna.berg", "/a.do", session=session, remote_ip="198.51.100.8", user_agent=agent, sys_id=key
        )
    assert night.only("login")["user_agent"] == "first"


def test_the_user_of_a_single_sign_on_may_be_a_sys_id(night: Night) -> None:
    night.event("08:00:00", "external.authentication.succeeded", sys_id("user Anna.Berg"), "https://acme/")
    assert night.only("login")["actor_user_name"] == "Anna.Berg"


def test_two_logins_of_one_user_in_two_places_within_seconds_stay_two(night: Night) -> None:
    night.event("08:00:00", "login", "anna.berg", "198.51.100.7", instance_uid=sys_id(1))
    night.event("08:00:02", "login", "anna.berg", "203.0.113.7", instance_uid=sys_id(2))
    assert night.names().count("login") == 2


def test_names_match_accounts_whatever_their_case(night: Night) -> None:
    night.event("08:00:00", "login", " ANNA.berg", "198.51.100.7")
    found = night.only("login")
    assert (found["actor_user_uid"], found["actor_user_name"]) == (sys_id("user Anna.Berg"), "Anna.Berg")


def test_a_failed_login_keeps_an_unknown_name_as_typed_and_has_no_account(night: Night) -> None:
    night.event("08:00:00", "login.failed", "Sommer2026!", "203.0.113.7", user_name="guest", user_id=sys_id("guest"))
    found = night.only("login_failed")
    assert (found["actor_user_name"], found["actor_user_uid"]) == ("Sommer2026!", None)
    assert (found["status"], found["src_ip"], found["is_system"]) == ("failure", "203.0.113.7", False)


def test_a_failed_login_never_borrows_the_address_of_the_accounts_owner(night: Night) -> None:
    night.event("07:59:00", "login", "anna.berg", "198.51.100.7")
    night.request("07:59:50", "anna.berg", "/navpage.do")
    night.event("08:00:00", "external.authentication.failed", "anna.berg", "User locked out.")
    found = night.only("login_failed")
    assert (found["src_ip"], found["detail"], found["actor_user_name"]) == (None, "User locked out.", "Anna.Berg")


def test_a_session_id_in_place_of_the_user_is_a_session(night: Night) -> None:
    night.event("08:00:00", "external.authentication.failed", SESSION, "User does not exist", user_name="guest")
    found = night.only("login_failed")
    assert (found["session_uid"], found["actor_user_name"], found["actor_user_uid"]) == (SESSION, None, None)


def test_a_logout_is_raised_as_guest_and_belongs_to_its_first_parameter(night: Night) -> None:
    night.event("18:00:00", "logout", "anna.berg", "198.51.100.7", user_name="guest", user_id=sys_id("guest"))
    found = night.only("logout")
    assert (found["actor_user_name"], found["is_system"]) == ("Anna.Berg", False)
    assert found["actor_user_uid"] == sys_id("user Anna.Berg")


def test_elevation_names_the_role(night: Night) -> None:
    night.event("09:00:00", "security.elevated_role.enabled", "anna.berg", "security_admin", user_name="anna.berg")
    found = night.only("privilege_elevated")
    assert (found["detail"], found["actor_user_name"]) == ("security_admin", "Anna.Berg")


@pytest.mark.parametrize("name", ["system", "guest", "soap.guest", "glide.maint", "kj4821@snc"])
def test_platform_actors_are_marked(name: str, night: Night) -> None:
    night.event("08:00:00", "login", name, "198.51.100.7")
    assert night.only("login")["is_system"]


def test_our_own_account_is_marked_whatever_its_case(night: Night) -> None:
    night.user("nowguard.collector")
    night.event("08:00:00", "login", "NowGuard.Collector", "198.51.100.7")
    night.event("08:00:09", "login", "anna.berg", "198.51.100.7")
    own = {row["actor_user_name"]: row["is_own"] for row in night.activities(own_user_names=["nowguard.COLLECTOR"])}
    assert own == {"nowguard.collector": True, "Anna.Berg": False}


def test_a_copy_that_rotation_made_is_dropped_and_a_lone_one_is_kept(night: Night) -> None:
    for state, nth in (("processed", 1), ("transferred", 2)):
        night.add(
            "sysevent",
            "08:00:00",
            sys_id=sys_id(nth),
            name="login",
            parm1="anna.berg",
            parm2="198.51.100.7",
            state=state,
        )
    night.add("sysevent", "09:00:00", name="login", parm1="anna.berg", parm2="198.51.100.7", state="transferred")
    found = [row for row in night.activities() if row["activity_name"] == "login"]
    assert [f"{row['time']:%H:%M}" for row in found] == ["08:00", "09:00"]
    assert found[0]["source_uid"] == sys_id(1)


def test_a_row_delivered_twice_counts_once(night: Night) -> None:
    for _ in range(2):
        night.add("sysevent", "08:00:00", sys_id=sys_id("twice"), name="login", parm1="anna.berg", parm2="198.51.100.7")
        night.request("08:00:05", "anna.berg", "/navpage.do", sys_id=sys_id("too"))
    assert sorted(night.names()) == ["login", "page_viewed"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("unknown", None),
        ("' OR 1=1 --", None),
        ("", None),
    ],
)
def test_an_address_is_the_first_hop_or_nothing(given: str, kept: str | None, night: Night) -> None:
    night.event("08:00:00", "login", "anna.berg", given)
    assert night.only("login")["src_ip"] == kept
