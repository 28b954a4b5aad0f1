"""What people decide about alerts, kept in the state store so that it survives every rebuild of the warehouse.

Statuses are new, acknowledged and closed; a closed alert carries a classification and one of Microsoft's close reasons.
Decisions are appended, never overwritten: the latest is in force and `history` shows them all.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from pipelines.alerts.decisions import Decision, Suppression, Thread, TriageSnapshot
from pipelines.errors import UsageError
from pipelines.state_store import StateStore

MAX_SUPPRESSION: Final = timedelta(days=90)

#: classification -> close reason -> Microsoft's code (api-alerts-close-*).
CLOSE_REASONS: Final[Mapping[str, Mapping[str, int | None]]] = MappingProxyType(
    {
        "true_positive": {"confirmed": None},
        "benign": {"severity_lower": 2, "other": 4, "confirmed_with_user": 5, "triggered_by_test": 6},
        "false_positive": {"not_of_interest": 0, "too_many_similar": 1, "not_accurate": 3, "other": 4},
    }
)

_TABLES = (
    """CREATE TABLE alert_thread (
        alert_uid TEXT PRIMARY KEY, instance TEXT NOT NULL, policy_id TEXT NOT NULL, thread TEXT NOT NULL,
        first_day TEXT NOT NULL, created_at TEXT NOT NULL)""",
    """CREATE TABLE alert_decision (
        decision_id INTEGER PRIMARY KEY AUTOINCREMENT, alert_uid TEXT NOT NULL, at TEXT NOT NULL, author TEXT NOT NULL,
        status TEXT NOT NULL, assignee TEXT, classification TEXT, close_reason TEXT, comment TEXT, seen_until TEXT,
        risk_score REAL, severity TEXT, countries TEXT NOT NULL)""",
    "CREATE INDEX alert_decision_by_alert ON alert_decision (alert_uid, decision_id)",
    """CREATE TABLE alert_suppression (
        suppression_uid TEXT PRIMARY KEY, owner TEXT NOT NULL, reason TEXT NOT NULL, starts_at TEXT NOT NULL,
        expires_at TEXT NOT NULL, created_at TEXT NOT NULL, policy_id TEXT, actor_user_uid TEXT, actor_user_name TEXT,
        src_ip TEXT, country TEXT, lifted_at TEXT, lifted_by TEXT)""",
)
_DECISION = "alert_uid, at, author, status, assignee, classification, close_reason, comment, seen_until, risk_score, severity, countries"
_SUPPRESSION = (
    "suppression_uid, owner, reason, starts_at, expires_at, created_at, policy_id, actor_user_uid, actor_user_name, "
    "src_ip, country, lifted_at"
)


class Triage:
    """Statuses, assignees, comments and suppressions over one state store. `now` is always the caller's."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        store.migrate("alerts", _TABLES)

    def snapshot(self) -> TriageSnapshot:
        """Everything decided so far, as plain data for `fold`."""
        threads = self.store.query(
            "SELECT instance, alert_uid, policy_id, thread, first_day, created_at FROM alert_thread", ()
        )
        latest = self.store.query(
            f"SELECT {_DECISION} FROM alert_decision WHERE decision_id IN "  # a constant
            "(SELECT max(decision_id) FROM alert_decision GROUP BY alert_uid)",
            (),
        )
        return TriageSnapshot(
            tuple(Thread(i, u, p, t, date.fromisoformat(d), datetime.fromisoformat(c)) for i, u, p, t, d, c in threads),
            {row[0]: _decision(row) for row in latest},
            tuple(self.suppressions()),
        )

    def register(self, threads: pl.DataFrame, now: datetime) -> None:
        """Remember when each alert was first published; `threads` is `Folded.threads`. Known ones keep their time."""
        rows = [(*row[:4], row[4].isoformat(), _text(now)) for row in threads.iter_rows()]
        with self.store.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO alert_thread (instance, alert_uid, policy_id, thread, first_day, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def history(self, alert_uid: str) -> list[Decision]:
        """All decisions on one alert, oldest first."""
        rows = self.store.query(
            f"SELECT {_DECISION} FROM alert_decision WHERE alert_uid = ? ORDER BY decision_id",  # a constant
            (alert_uid,),
        )
        return [_decision(row) for row in rows]

    def acknowledge(
        self, alert: Mapping[str, Any], *, author: str, now: datetime, comment: str | None = None
    ) -> Decision:
        """Somebody looks at it; also opens a closed alert again."""
        return self._decide(
            alert, author, now, status="acknowledged", classification=None, close_reason=None, **_given(comment=comment)
        )

    def assign(self, alert: Mapping[str, Any], assignee: str, *, author: str, now: datetime) -> Decision:
        """Hand it to somebody; the status stays."""
        return self._decide(alert, author, now, assignee=assignee)

    def close(
        self,
        alert: Mapping[str, Any],
        classification: str,
        close_reason: str,
        *,
        author: str,
        now: datetime,
        comment: str | None = None,
    ) -> Decision:
        """Close it for one of the reasons of `CLOSE_REASONS`; remembers what it looked like, to notice if it grows."""
        reasons = CLOSE_REASONS.get(classification)
        if reasons is None:
            raise UsageError(
                f"{classification!r} is no classification", remedy=f"use one of {', '.join(CLOSE_REASONS)}"
            )
        if close_reason not in reasons:
            raise UsageError(
                f"{close_reason!r} is no reason to close an alert as {classification}",
                remedy=f"use one of {', '.join(reasons)}",
            )
        return self._decide(
            alert,
            author,
            now,
            status="closed",
            classification=classification,
            close_reason=close_reason,
            **_given(comment=comment),
        )

    def suppress(self, suppression: Suppression, reference: datetime) -> Suppression:
        """Keep a new suppression. `reference` is the latest instant published: 90 days from it at most."""
        _check(suppression, reference)
        if suppression.src_ip is not None:
            suppression = replace(suppression, src_ip=str(_network(suppression.src_ip)))
        values = [_plain(getattr(suppression, name)) for name in _SUPPRESSION.split(", ")]
        with self.store.transaction() as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO alert_suppression ({_SUPPRESSION}) VALUES ({', '.join('?' * len(values))})",  # constants
                values,
            )
        return suppression

    def unsuppress(self, suppression_uid: str, *, author: str, now: datetime) -> None:
        """End a suppression for good: what it hid is raised at the next publish."""
        with self.store.transaction() as connection:
            changed = connection.execute(
                "UPDATE alert_suppression SET lifted_at = ?, lifted_by = ? WHERE suppression_uid = ? AND lifted_at IS NULL",
                (_text(now), author, suppression_uid),
            ).rowcount
        if not changed:
            raise UsageError(
                f"no suppression {suppression_uid} is in force", remedy="list them with `nowguard alerts suppressions`"
            )

    def suppressions(self) -> list[Suppression]:
        """All, also expired and lifted ones, oldest first."""
        rows = self.store.query(
            f"SELECT {_SUPPRESSION} FROM alert_suppression ORDER BY created_at, suppression_uid"  # constants
        )
        return [_suppression(row) for row in rows]

    def _decide(self, alert: Mapping[str, Any], author: str, now: datetime, **changes: Any) -> Decision:
        uid = str(alert["alert_uid"])
        state = self._current(alert, now)
        decided = replace(
            state,
            at=now,
            author=author,
            seen_until=alert["last_seen"],
            risk_score=alert["risk_score"],
            severity=alert["severity"],
            countries=tuple(alert["countries"] or ()),
            **changes,
        )
        values = [_plain(getattr(decided, name)) for name in _DECISION.split(", ")]
        with self.store.transaction() as connection:
            connection.execute(
                f"INSERT INTO alert_decision ({_DECISION}) VALUES ({', '.join('?' * len(values))})",  # constants
                values,
            )
        return replace(decided, alert_uid=uid)

    def _current(self, alert: Mapping[str, Any], now: datetime) -> Decision:
        """The decision in force, else what the published row says: a decision may have followed the behaviour here."""
        known = self.history(str(alert["alert_uid"]))
        if known:
            return known[-1]
        names = ("status", "assignee", "classification", "close_reason", "comment")
        carried = {name: alert[name] for name in names if alert.get(name) is not None}
        return Decision(str(alert["alert_uid"]), now, "", **carried)


def new_suppression(
    *,
    owner: str,
    reason: str,
    starts_at: datetime,
    expires_at: datetime,
    created_at: datetime,
    policy_id: str | None = None,
    actor_user_uid: str | None = None,
    actor_user_name: str | None = None,
    src_ip: str | None = None,
    country: str | None = None,
) -> Suppression:
    """A suppression whose uid is a hash of what it says: giving the same one twice keeps one."""
    criteria = (policy_id, actor_user_uid, actor_user_name, src_ip, country)
    said = json.dumps([owner, reason, str(starts_at), str(expires_at), *criteria])
    uid = hashlib.sha256(said.encode()).hexdigest()[:12]
    return Suppression(uid, owner, reason, starts_at, expires_at, created_at, *criteria)


def _check(suppression: Suppression, reference: datetime) -> None:
    s = suppression
    if not s.owner.strip() or not s.reason.strip():
        raise UsageError("a suppression needs an owner and a reason", remedy="give --owner and --reason")
    if s.expires_at <= s.starts_at:
        raise UsageError("the suppression would end before it begins", remedy="give a later --until")
    if s.expires_at > max(reference, s.starts_at) + MAX_SUPPRESSION:
        raise UsageError(
            f"a suppression lasts {MAX_SUPPRESSION.days} days at most",
            remedy="give a nearer end and renew it if need be",
        )
    if not any((s.actor_user_uid, s.actor_user_name, s.src_ip, s.country)):
        raise UsageError(
            "a suppression names a user, an address or a country",
            remedy="to switch a whole policy off, override it in NOWGUARD_POLICIES_DIR",
        )
    if s.src_ip is not None:
        _network(s.src_ip)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f"{text!r} is neither an address nor a network", remedy="write 203.0.113.7 or 203.0.113.0/24"
        ) from None


def _decision(row: Sequence[Any]) -> Decision:
    uid, at, author, status, assignee, classification, reason, comment, until, risk, severity, countries = row
    return Decision(
        alert_uid=uid,
        at=datetime.fromisoformat(at),
        author=author,
        status=status,
        assignee=assignee,
        classification=classification,
        close_reason=reason,
        comment=comment,
        seen_until=_instant(until),
        risk_score=risk,
        severity=severity,
        countries=tuple(json.loads(countries)),
    )


def _suppression(row: Sequence[Any]) -> Suppression:
    uid, owner, reason, starts, expires, created, policy, actor, name, ip, country, lifted = row
    return Suppression(
        suppression_uid=uid,
        owner=owner,
        reason=reason,
        starts_at=datetime.fromisoformat(starts),
        expires_at=datetime.fromisoformat(expires),
        created_at=datetime.fromisoformat(created),
        policy_id=policy,
        actor_user_uid=actor,
        actor_user_name=name,
        src_ip=ip,
        country=country,
        lifted_at=_instant(lifted),
    )


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _text(value)
    return json.dumps(list(value)) if isinstance(value, tuple) else value


def _text(at: datetime) -> str:
    return at.isoformat(sep=" ")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
