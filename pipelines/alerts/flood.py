"""A policy that raises more than its daily budget is grouped under one summary, and every member stays.

The summary is an alert of its own (`is_summary`) without an actor; its members name it in `group_uid` and keep their
rows, evidence and triage. Its evidence is the first row of each member's first detection. Its `alert_uid` is the hash of
instance, policy and day. A day that comes back under its budget has no summary any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.alerts.decisions import SEVERITIES, TriageSnapshot, apply_decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_BUDGET = 50  # alerts of one policy on one day; a person reads no more, and a storm has one cause


def group_floods(
    alerts: pl.DataFrame,
    first_evidence: Callable[[pl.DataFrame], pl.DataFrame],
    triage: TriageSnapshot,
    budgets: Mapping[str, int],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`alerts` with `group_uid` and `is_summary`, summaries appended; and the summaries' evidence rows.

    `first_evidence` looks up the first row of each of some alerts (`alert_uid`, `group_uid`) and names it by its group."""
    keys = ["instance", "policy_id", "event_date"]
    budget = pl.col("policy_id").replace_strict(dict(budgets), default=DEFAULT_BUDGET, return_dtype=pl.Int64)
    floods = alerts.group_by(keys).agg(pl.len().alias("size")).filter(pl.col("size") > budget).sort(keys)
    if floods.is_empty():
        return _marked(alerts, pl.lit(None, pl.String), is_summary=False), pl.DataFrame()
    named = floods.with_columns(
        pl.struct(keys).map_elements(lambda k: summary_uid(**k), return_dtype=pl.String).alias("group_uid")
    )
    members = alerts.join(named.select(*keys, "group_uid"), on=keys, how="left", maintain_order="left")
    members = _marked(members, pl.col("group_uid"), is_summary=False)
    grouped = members.filter(pl.col("group_uid").is_not_null())
    found = first_evidence(grouped.select("alert_uid", "group_uid"))
    first_rows = found.unique(["alert_uid", "source_table", "source_uid"], keep="first", maintain_order=True)
    counts = dict(first_rows.group_by("alert_uid").len().iter_rows())
    rows = [
        _summary(part, budgets.get(part["policy_id"][0], DEFAULT_BUDGET), counts)
        for part in grouped.partition_by("group_uid", maintain_order=True)
    ]
    summaries = apply_decisions(pl.DataFrame(rows, schema_overrides=dict(alerts.schema.items())), triage)
    return pl.concat(
        [members, _marked(summaries, pl.lit(None, pl.String), is_summary=True)], how="diagonal"
    ), first_rows


def summary_uid(instance: str, policy_id: str, event_date: date) -> str:
    text = "\x1f".join((instance, policy_id, "flood", event_date.isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _marked(frame: pl.DataFrame, group: pl.Expr, *, is_summary: bool) -> pl.DataFrame:
    return frame.with_columns(group.alias("group_uid"), pl.lit(is_summary).alias("is_summary"))


def _summary(members: pl.DataFrame, budget: int, evidence_counts: Mapping[str, int]) -> dict[str, Any]:
    """The row of the summary: the worst of severity, risk and priority, the union of the lists."""
    first = members.row(0, named=True)
    policy, day = first["policy_id"], first["event_date"]
    return {
        "instance": first["instance"],
        "event_date": day,
        "alert_uid": first["group_uid"],
        "thread": "flood",
        "first_day": day,
        "policy_id": policy,
        "policy_kind": first["policy_kind"],
        "severity": max(members["severity"], key=SEVERITIES.index),
        "risk_score": members["risk_score"].max(),
        "priority": members["priority"].max(),
        "actor_user_uids": _union(members, "actor_user_uids"),
        "first_seen": members["first_seen"].min(),
        "last_seen": members["last_seen"].max(),
        "title": f"{policy} raised {members.height} alerts on {day}, more than its daily budget of {budget}: grouped here",
        "evidence_count": evidence_counts.get(first["group_uid"], 0),
        "attack_techniques": _union(members, "attack_techniques"),
        "src_ips": _union(members, "src_ips"),
        "countries": _union(members, "countries"),
        "policy_revision": first["policy_revision"],
        "day_count": 1,
        "detection_count": members["detection_count"].sum(),
    }


def _union(members: pl.DataFrame, column: str) -> Sequence[str]:
    values: list[str] = members[column].explode().drop_nulls().unique().sort().to_list()
    return values
