"""What people decided, laid over folded alerts: status, assignee, close reason, and suppressions while they last.

Everything here is data in, data out; `pipelines.alerts.triage` keeps it between runs. Three rules:

- A decision follows the behaviour. Where a late row changed the uid, the decision on the old one holds for the alert
  that now covers its first day.
- A closed alert opens again when it goes on after it was closed as a true positive, or when, closed for another reason,
  it grows: a higher severity, a new country, or a risk score ten points higher.
- A suppression hides an alert whose `last_seen` lies within its life, by the time of the events and never by the wall
  clock: a rerun in a year gives the same rows. It hides nothing that has an address or country beyond what it names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

Status = Literal["new", "acknowledged", "closed"]
SEVERITIES = ("informational", "low", "medium", "high")
GROWTH = 10.0  # points of risk that open a closed alert again


@dataclass(frozen=True, slots=True)
class Thread:
    """A behaviour that was published once: what a decision or a creation time is tied to."""

    instance: str
    alert_uid: str
    policy_id: str
    thread: str
    first_day: date
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The state of one alert after the latest thing a person did to it, and what the alert looked like then."""

    alert_uid: str
    at: datetime
    author: str
    status: Status = "new"
    assignee: str | None = None
    classification: str | None = None
    close_reason: str | None = None
    comment: str | None = None
    seen_until: datetime | None = None
    risk_score: float | None = None
    severity: str | None = None
    countries: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`2026-11-01 10:00 bo: closed, benign, confirmed_with_user, trip`."""
        handed = self.assignee and f"assigned to {self.assignee}"
        said = [self.status, self.classification, self.close_reason, handed, self.comment]
        return f"{self.at:%Y-%m-%d %H:%M} {self.author}: {', '.join(part for part in said if part)}"


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alerts that are not to be raised from `starts_at` until `expires_at` (UTC); a criterion that is None matches all.

    `src_ip` is an address or a CIDR. `lifted_at` ends it for good, for past alerts too.
    """

    suppression_uid: str
    owner: str
    reason: str
    starts_at: datetime
    expires_at: datetime
    created_at: datetime
    policy_id: str | None = None
    actor_user_uid: str | None = None
    actor_user_name: str | None = None
    src_ip: str | None = None
    country: str | None = None
    lifted_at: datetime | None = None

    def hides(self, alert: Mapping[str, Any]) -> bool:
        """Whether `alert` (a row of `out__alert`) falls under this suppression."""
        return (
            self.lifted_at is None
            and self.starts_at <= alert["last_seen"] < self.expires_at
            and self.policy_id in (None, alert["policy_id"])
            and self.actor_user_uid in (None, alert["actor_user_uid"])
            and self.actor_user_name in (None, alert["actor_user_name"])
            and (self.country is None or list(alert["countries"] or ()) == [self.country])
            and (self.src_ip is None or _all_within(alert["src_ips"] or (), self.src_ip))
        )


@dataclass(frozen=True)
class TriageSnapshot:
    """All that people decided, at one moment; empty at first."""

    threads: tuple[Thread, ...] = ()
    decisions: Mapping[str, Decision] = field(default_factory=lambda: MappingProxyType({}))
    suppressions: tuple[Suppression, ...] = ()


def apply_decisions(alerts: pl.DataFrame, triage: TriageSnapshot) -> pl.DataFrame:
    """Fill `created_at`, `status`, `assignee`, `classification`, `close_reason` and `comment`."""
    origin = _origins(alerts, triage.threads)
    created: dict[str, datetime] = {}
    decided: dict[str, Decision] = {}
    for thread in triage.threads:
        for uid in origin.get(thread.alert_uid, (thread.alert_uid,)):
            created[uid] = min(thread.created_at, created.get(uid, thread.created_at))
            decision = triage.decisions.get(thread.alert_uid)
            if decision and thread.alert_uid != uid and (uid not in decided or decided[uid].at < decision.at):
                decided[uid] = decision
    decided |= triage.decisions
    return alerts.with_columns(
        pl.col("alert_uid").replace_strict(created, default=None, return_dtype=pl.Datetime("us")).alias("created_at"),
        *_decision_columns(alerts, decided),
    )


def overlay(alerts: pl.DataFrame, triage: TriageSnapshot) -> pl.DataFrame:
    """Published rows with what was decided since: a decision on a row's own uid replaces what the file says."""
    touched = alerts.filter(pl.col("alert_uid").is_in(list(triage.decisions)))
    rest = alerts.filter(~pl.col("alert_uid").is_in(list(triage.decisions)))
    if touched.height:
        touched = touched.with_columns(_decision_columns(touched, triage.decisions))
    return apply_suppressions(pl.concat([touched, rest], how="diagonal"), triage)


def _origins(alerts: pl.DataFrame, threads: Iterable[Thread]) -> dict[str, tuple[str, ...]]:
    """Of threads whose uid is gone: the alerts that now cover their first day."""
    current = set(alerts["alert_uid"])
    gone = [t for t in threads if t.alert_uid not in current]
    if not gone:
        return {}
    lost = pl.DataFrame(
        [(t.instance, t.policy_id, t.thread, t.first_day, t.alert_uid) for t in gone],
        schema={"instance": pl.String, "policy_id": pl.String, "thread": pl.String, "lost_day": pl.Date, "lost_uid": pl.String},
        orient="row",
    )  # fmt: skip
    heirs = (
        alerts.join(lost, on=["instance", "policy_id", "thread"])
        .filter(pl.col("lost_day").is_between(pl.col("first_day"), pl.col("event_date")))
        .group_by("lost_uid")
        .agg(pl.col("alert_uid").sort())
    )
    return {uid: tuple(found) for uid, found in heirs.iter_rows()}


def _decision_columns(alerts: pl.DataFrame, decided: Mapping[str, Decision]) -> list[pl.Expr]:
    concerned = alerts.filter(pl.col("alert_uid").is_in(list(decided)))
    open_again = {
        row["alert_uid"] for row in concerned.iter_rows(named=True) if _reopens(row, decided[row["alert_uid"]])
    }
    uid = pl.col("alert_uid")

    def column(name: str, values: Mapping[str, object], default: str | None = None) -> pl.Expr:
        return uid.replace_strict(dict(values), default=default, return_dtype=pl.String).alias(name)

    kept = {u: d for u, d in decided.items() if u not in open_again}
    return [
        column("status", {u: d.status for u, d in kept.items()}, "new"),
        column("assignee", {u: d.assignee for u, d in decided.items()}),
        column("classification", {u: d.classification for u, d in kept.items()}),
        column("close_reason", {u: d.close_reason for u, d in kept.items()}),
        column("comment", {u: d.comment for u, d in decided.items()}),
    ]


def _reopens(alert: Mapping[str, Any], decision: Decision) -> bool:
    if decision.status != "closed" or decision.seen_until is None or alert["last_seen"] <= decision.seen_until:
        return False
    if decision.classification == "true_positive":
        return True
    worse = SEVERITIES.index(alert["severity"]) > SEVERITIES.index(decision.severity or "high")
    riskier = (alert["risk_score"] or 0.0) >= (decision.risk_score or 0.0) + GROWTH
    return worse or riskier or not set(alert["countries"] or ()) <= set(decision.countries)


def apply_suppressions(alerts: pl.DataFrame, triage: TriageSnapshot) -> pl.DataFrame:
    """Mark what a suppression hides with `suppression:<uid>`, the oldest one where several do."""
    live = [s for s in sorted(triage.suppressions, key=lambda s: (s.created_at, s.suppression_uid)) if not s.lifted_at]
    if not live:
        return alerts
    open_alerts = alerts.filter(pl.col("suppressed_by").is_null())
    hidden = {
        row["alert_uid"]: f"suppression:{by.suppression_uid}"
        for row in open_alerts.iter_rows(named=True)
        if (by := next((s for s in live if s.hides(row)), None))
    }
    mark = pl.col("alert_uid").replace_strict(hidden, default=None, return_dtype=pl.String)
    return alerts.with_columns(pl.coalesce("suppressed_by", mark).alias("suppressed_by"))


def _all_within(addresses: Iterable[str], network: str) -> bool:
    """False where there is no address, or one that cannot be read: what is not known to be meant is not hidden."""
    block = ipaddress.ip_network(network, strict=False)
    found = list(addresses)
    try:
        parsed = [ipaddress.ip_address(address) for address in found]
    except ValueError:
        return False
    return bool(parsed) and all(address.version == block.version and address in block for address in parsed)
