"""Truth about ordinary life that looks odd: trips, detours, border commuters; and the identity provider's directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from pipelines.emulator.organisation.network import MISPLACED_AT
from pipelines.emulator.organisation.people import DAY, NEVER, Egress
from pipelines.emulator.organisation.places import CITIES
from pipelines.emulator.organisation.stage import Stage
from pipelines.emulator.organisation.world import Change

TRAVEL, COUNTRY = "impossible_travel", "infrequent_country_activity"
ANONYMOUS, RISKY = "anonymous_ip_activity", "risky_ip_logon"

# detour -> difficulty, policies literally met, policies tempted, note
_DETOURS: Mapping[Egress, tuple[str, tuple[str, ...], tuple[str, ...], str]] = {
    Egress.SECURE_EDGE: ("hard", (), (TRAVEL, COUNTRY), "secure edge: exits hop between countries from session to session"),
    Egress.DESKTOP_IN_CLOUD: ("medium", (), (TRAVEL, COUNTRY), "virtual desktop in a cloud region, used beside the laptop"),
    Egress.PRIVACY_RELAY: ("medium", (), (TRAVEL, COUNTRY, ANONYMOUS), "privacy relay at home"),
    Egress.PERSONAL_VPN: ("medium", (ANONYMOUS, RISKY), (TRAVEL, COUNTRY), "a commercial VPN of one's own, always the same"),
    Egress.SHARED_DESK: ("medium", (), (TRAVEL, COUNTRY), "wrongly located address that several colleagues use"),
    Egress.CLIENT_SITE: ("medium", (), (ANONYMOUS, RISKY), "wrongly listed address that several colleagues use"),
}
_TRIPS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "business": ("medium", (COUNTRY,), "business trip that can be flown; the phone may roam on the home carrier"),
    "conference": ("medium", (COUNTRY,), "several colleagues at one conference"),
    "posting": ("medium", (COUNTRY,), "several colleagues move to a new office"),
}


def incidents(stage: Stage) -> list[Mapping[str, Any]]:
    """Benign incidents that last as long as the habit does; every one is part of the ordinary rows."""
    return [*_trips(stage), *_detours(stage), *_lines(stage)]


def _entry(
    stage: Stage, name: str, user: int, first: int, last: int, difficulty: str, policies: tuple[str, ...], tempts: tuple[str, ...], note: str
) -> Mapping[str, Any]:
    zero = datetime(1970, 1, 1)
    return {
        "id": f"{name}-{stage.people.user_name[user]}-{first}", "scene": name, "kind": "benign", "policies": list(policies),
        "tempts": list(tempts), "users": [stage.people.sys_id[user]], "user_names": [stage.people.user_name[user]],
        "start": zero + timedelta(seconds=stage.start + first * DAY),
        "end": zero + timedelta(seconds=min(stage.start + last * DAY, stage.end) - 1), "difficulty": difficulty, "note": note,
    }  # fmt: skip


def _trips(stage: Stage) -> Iterator[Mapping[str, Any]]:
    for trip in stage.whereabouts.trips:
        abroad = CITIES[trip.city].country != CITIES[int(stage.people.city[trip.user])].country
        if trip.reason in _TRIPS and abroad:
            difficulty, literal, note = _TRIPS[trip.reason]
            yield _entry(
                stage, f"{trip.reason}_trip", trip.user, trip.first, trip.last + 2, difficulty, literal, (TRAVEL,),
                f"{note}; {CITIES[trip.city].name}",
            )  # fmt: skip


def _detours(stage: Stage) -> Iterator[Mapping[str, Any]]:
    for user in np.flatnonzero(stage.people.egress != Egress.LINE).tolist():
        kind = Egress(int(stage.people.egress[user]))
        difficulty, literal, tempts, note = _DETOURS[kind]
        yield _entry(stage, kind.name.lower(), user, 0, stage.days, difficulty, literal, tempts, note)


def _lines(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """Homes across a border, and homes that the location database puts abroad."""
    people = stage.people
    wrong = [stage.network.span("home", key) for key in stage.network.misplaced]
    for user in np.flatnonzero(people.employees).tolist():
        if people.city[user] != people.home_city[user]:
            yield _entry(stage, "border_commuter", user, 0, stage.days, "easy", (), (TRAVEL, COUNTRY), "lives across the border")
        elif any(span.first <= people.home[user] < span.first + span.count for span in wrong):
            yield _entry(
                stage, "misplaced_home", user, 0, stage.days, "hard", (), (TRAVEL, COUNTRY),
                f"the database puts this home network in {MISPLACED_AT}",
            )  # fmt: skip


def directory(stage: Stage) -> list[Change]:
    """The identity provider's users: everybody at the start, joiners and leavers when it happens."""
    people = stage.people
    zero = datetime(1970, 1, 1)
    changes = []
    for user in range(len(people)):
        created = max(int(people.created[user]), 0)
        values = {
            "userPrincipalName": people.email[user], "displayName": people.name[user], "mail": people.email[user],
            "employeeId": people.user_name[user], "accountEnabled": "true",
        }  # fmt: skip
        changes.append(Change(zero + timedelta(seconds=created), "users", people.sys_id[user], values))
        if people.left[user] < NEVER:
            left = zero + timedelta(seconds=int(people.left[user]))
            changes.append(Change(left, "users", people.sys_id[user], {"accountEnabled": "false"}))
    return changes
