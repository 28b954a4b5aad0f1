"""Truth about ordinary life that looks odd: trips, detours, border commuters; and the identity provider's directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pipelines.emulator.organisation.clock import DAY, instant
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.network import MISPLACED_AT
from pipelines.emulator.organisation.people import NEVER, Egress
from pipelines.emulator.organisation.places import CITIES
from pipelines.emulator.organisation.world import Change

TRAVEL, COUNTRY = "impossible_travel", "infrequent_country_activity"
TERMINATED = "terminated_user_activity"
ANONYMOUS, RISKY = "anonymous_ip_activity", "risky_ip_logon"

# detour -> difficulty, policies literally met, policies tempted, note
_DETOURS: Mapping[Egress, tuple[str, tuple[str, ...], tuple[str, ...], str]] = {
    Egress.SECURE_EDGE: (
        "hard",
        (),
        (TRAVEL, COUNTRY),
        "secure edge: exits hop between countries from session to session",
    ),
    Egress.DESKTOP_IN_CLOUD: (
        "medium",
        (),
        (TRAVEL, COUNTRY),
        "virtual desktop in a cloud region, used beside the laptop",
    ),
    Egress.PRIVACY_RELAY: ("medium", (), (TRAVEL, COUNTRY, ANONYMOUS), "privacy relay at home"),
    Egress.PERSONAL_VPN: (
        "medium",
        (ANONYMOUS, RISKY),
        (TRAVEL, COUNTRY),
        "a commercial VPN of one's own, always the same",
    ),
    Egress.SHARED_DESK: ("medium", (), (TRAVEL, COUNTRY), "wrongly located address that several colleagues use"),
    Egress.CLIENT_SITE: ("medium", (), (ANONYMOUS, RISKY), "wrongly listed address that several colleagues use"),
}
_TRIPS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "business": ("medium", (COUNTRY,), "business trip that can be flown; the phone may roam on the home carrier"),
    "conference": ("medium", (COUNTRY,), "several colleagues at one conference"),
    "posting": ("medium", (COUNTRY,), "several colleagues move to a new office"),
}


def incidents(company: Company) -> list[Mapping[str, Any]]:
    """Benign incidents that last as long as the habit does; every one is part of the ordinary rows."""
    return [*_trips(company), *_detours(company), *_lines(company), *_last_days(company)]


def _entry(
    company: Company, name: str, user: int, *, difficulty: str, note: str, tempts: tuple[str, ...],
    policies: tuple[str, ...] = (), first: int = 0, last: int = 10_000,
) -> Mapping[str, Any]:  # fmt: skip
    return {
        "id": f"{name}-{company.people.user_name[user]}-{first}", "scene": name, "kind": "benign", "policies": list(policies),
        "tempts": list(tempts), "users": [company.people.sys_id[user]], "user_names": [company.people.user_name[user]],
        "start": instant(company.start + first * DAY),
        "end": instant(min(company.start + last * DAY, company.end) - 1), "difficulty": difficulty, "note": note,
    }  # fmt: skip


def _trips(company: Company) -> Iterator[Mapping[str, Any]]:
    for trip in company.whereabouts.trips:
        abroad = CITIES[trip.city].country != CITIES[int(company.people.city[trip.user])].country
        if trip.reason in _TRIPS and abroad:
            difficulty, literal, note = _TRIPS[trip.reason]
            yield _entry(
                company, f"{trip.reason}_trip", trip.user, first=trip.first, last=trip.last + 2, difficulty=difficulty,
                policies=literal, tempts=(TRAVEL,), note=f"{note}; {CITIES[trip.city].name}",
            )  # fmt: skip


def _detours(company: Company) -> Iterator[Mapping[str, Any]]:
    for user in np.flatnonzero(company.people.egress != Egress.LINE).tolist():
        kind = Egress(int(company.people.egress[user]))
        difficulty, literal, tempts, note = _DETOURS[kind]
        yield _entry(
            company, kind.name.lower(), user, difficulty=difficulty, policies=literal, tempts=tempts, note=note
        )


def _lines(company: Company) -> Iterator[Mapping[str, Any]]:
    """Homes across a border, and homes that the location database puts abroad."""
    people, odd = company.people, (TRAVEL, COUNTRY)
    wrong = [company.network.span("home", key) for key in company.network.misplaced]
    for user in np.flatnonzero(people.employees).tolist():
        if people.city[user] != people.home_city[user]:
            yield _entry(
                company, "border_commuter", user, difficulty="easy", tempts=odd, note="lives across the border"
            )
        elif any(span.first <= people.home[user] < span.first + span.count for span in wrong):
            note = f"the database puts this home network in {MISPLACED_AT}"
            yield _entry(company, "misplaced_home", user, difficulty="hard", tempts=odd, note=note)


def _last_days(company: Company) -> Iterator[Mapping[str, Any]]:
    """Leavers who finish their last session although the directory has ended them: literally what the policy says."""
    people, sessions = company.people, company.sessions
    for user in np.flatnonzero(people.left < NEVER).tolist():
        left = int(people.left[user])
        open_then = (sessions.user == user) & (sessions.start < left) & (sessions.end > left)
        for day in np.unique(sessions.day[open_then]).tolist():
            yield _entry(
                company, "last_day", user, first=day, last=day + 1, difficulty="medium", policies=(TERMINATED,),
                tempts=(TERMINATED,), note="finishes the session that was open when the account ended",
            )  # fmt: skip


def directory(company: Company) -> list[Change]:
    """The identity provider's users: everybody at the start, joiners and leavers when it happens."""
    people = company.people
    changes = []
    for user in range(len(people)):
        created = max(int(people.created[user]), 0)
        values = {
            "userPrincipalName": people.email[user], "displayName": people.name[user], "mail": people.email[user],
            "employeeId": people.user_name[user], "accountEnabled": "true",
        }  # fmt: skip
        changes.append(Change(instant(created), "users", people.sys_id[user], values))
        if people.left[user] < NEVER:
            left = instant(int(people.left[user]))
            changes.append(Change(left, "users", people.sys_id[user], {"accountEnabled": "false"}))
    return changes
