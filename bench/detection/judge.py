"""Hold alerts against the truth of a seeded organisation.

An alert matches an incident when they share a user and the alert's time overlaps start - 10 min .. end + 24 h. It is
true where it matches an attack that its policy is right to report, neutral where it matches another attack only,
policy-true where it matches only benign activity that literally meets the policy's definition, else false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

BEFORE = timedelta(minutes=10)
AFTER = timedelta(hours=24)


class Verdict(StrEnum):
    TRUE = "true"
    NEUTRAL = "neutral"
    POLICY_TRUE = "policy_true"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Incident:
    """One attack or benign look-alike. `policies` are right to report it (attack) or literally met by it (benign)."""

    id: str
    scene: str
    is_attack: bool
    policies: tuple[str, ...]
    users: frozenset[str]  # sys_ids and user names: what an alert may name
    people: frozenset[str]  # one identifier a person: the sys_id, else the name
    start: datetime
    end: datetime
    difficulty: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Incident:
        return cls(
            id=row["id"],
            scene=row["scene"],
            is_attack=row["kind"] == "attack",
            policies=tuple(row["policies"]),
            users=frozenset((*row["users"], *row["user_names"])) - {""},
            people=frozenset(row["users"]) - {""} or frozenset(row["user_names"]),  # made-up names have no account
            start=row["start"],
            end=row["end"],
            difficulty=row["difficulty"],
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """One alert after de-duplication: at most one per policy, user (or campaign) and UTC day."""

    policy_id: str
    users: frozenset[str]  # sys_id and name of the actor, or the victims of a campaign
    people: frozenset[str]  # one identifier a person
    day: date
    first_seen: datetime
    last_seen: datetime
    risk_score: float


@dataclass(frozen=True, slots=True)
class Judged:
    sighting: Sighting
    verdict: Verdict
    incidents: tuple[str, ...]  # ids of the matches that decided the verdict


@dataclass(frozen=True)
class Attack:
    """An attack and how it was found; `seconds` from its start to the first matching alert, None where missed."""

    incident: Incident
    found_by: frozenset[str]
    seconds: float | None

    @property
    def is_found(self) -> bool:
        return bool(self.found_by)


def sightings(alerts: Iterable[Mapping[str, Any]]) -> list[Sighting]:
    """Rows of `mart.alerts`, de-duplicated; a flood summary stands for members that are there anyway and is left out."""
    merged: dict[tuple[str, str, date], Sighting] = {}
    for row in alerts:
        if row.get("is_summary"):
            continue
        names = {row["actor_user_uid"], row["actor_user_name"]} - {None, ""}
        actor = row["actor_user_uid"] or row["actor_user_name"]
        users = frozenset(names or row["actor_user_uids"] or ())
        people = frozenset({actor} if actor else users)
        span = (row["event_date"], row["first_seen"], row["last_seen"])
        seen = Sighting(row["policy_id"], users, people, *span, row["risk_score"] or 0.0)
        key = (seen.policy_id, actor or f"campaign:{row['alert_uid']}", seen.day)
        merged[key] = _joined(merged[key], seen) if key in merged else seen
    return list(merged.values())


def _joined(one: Sighting, other: Sighting) -> Sighting:
    return Sighting(
        one.policy_id,
        one.users | other.users,
        one.people | other.people,
        one.day,
        min(one.first_seen, other.first_seen),
        max(one.last_seen, other.last_seen),
        max(one.risk_score, other.risk_score),
    )


def judge(seen: Sequence[Sighting], incidents: Sequence[Incident]) -> list[Judged]:
    """The verdict on each sighting."""
    by_user: dict[str, list[Incident]] = {}
    for incident in incidents:
        for user in incident.users:
            by_user.setdefault(user, []).append(incident)
    return [_verdict(sighting, _matches(sighting, by_user)) for sighting in seen]


def _matches(sighting: Sighting, by_user: Mapping[str, list[Incident]]) -> list[Incident]:
    near = {incident.id: incident for user in sighting.users for incident in by_user.get(user, ())}
    return [i for i in near.values() if overlaps(sighting, i)]


def overlaps(sighting: Sighting, incident: Incident) -> bool:
    return sighting.first_seen <= incident.end + AFTER and sighting.last_seen >= incident.start - BEFORE


def _verdict(sighting: Sighting, matches: Sequence[Incident]) -> Judged:
    attacks = [i for i in matches if i.is_attack]
    own = [i for i in attacks if sighting.policy_id in i.policies]
    literal = [i for i in matches if not i.is_attack and sighting.policy_id in i.policies]
    for verdict, decisive in ((Verdict.TRUE, own), (Verdict.NEUTRAL, attacks), (Verdict.POLICY_TRUE, literal)):
        if decisive:
            return Judged(sighting, verdict, tuple(sorted(i.id for i in decisive)))
    return Judged(sighting, Verdict.FALSE, ())


def attacks(judged: Sequence[Judged], incidents: Sequence[Incident]) -> list[Attack]:
    """Each attack with the accepted policies that found it."""
    found: dict[str, list[Sighting]] = {}
    for one in judged:
        if one.verdict is Verdict.TRUE:
            for uid in one.incidents:
                found.setdefault(uid, []).append(one.sighting)
    return [_attack(i, found.get(i.id, [])) for i in incidents if i.is_attack]


def _attack(incident: Incident, by: Sequence[Sighting]) -> Attack:
    if not by:
        return Attack(incident, frozenset(), None)
    first = min(s.first_seen for s in by)
    return Attack(incident, frozenset(s.policy_id for s in by), max(0.0, (first - incident.start).total_seconds()))
