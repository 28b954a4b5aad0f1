"""The queue, one alert in depth, and decisions about it: the same rows and the same triage as `nowguard alerts`."""

from __future__ import annotations

import getpass
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.alerts import CLOSE_REASONS, Decision, Explanation
from pipelines.alerts import explain as explained
from pipelines.alerts.desk import Desk, in_group, wanted
from pipelines.analysis.display import in_depth
from pipelines.analysis.warehouse import Warehouse, open_warehouse
from pipelines.errors import UsageError
from pipelines.window import utc_now

#: An alert as a person names it: its uid or the first letters of it, a row, or a frame of one row.
AlertLike = str | Mapping[str, Any] | pl.DataFrame

#: column -> (asked in these words, what yes means)
RARITY: Mapping[str, str] = {
    "is_first_for_user": "first time for this user in 90 days",
    "is_uncommon_among_peers": "fewer than 5 % of the department show it",
    "is_uncommon_in_organisation": "fewer than 5 % of the organisation show it",
    "is_first_in_organisation": "first time in the organisation in 90 days",
}


def alerts(
    *,
    status: str | None = None,
    policy: str | None = None,
    severity: str | None = None,
    user: str | None = None,
    first: date | None = None,
    last: date | None = None,
    grouped: bool = True,
    warehouse: Warehouse | None = None,
) -> pl.DataFrame:
    """Open alerts, most pressing (`risk_score` x `priority`) first: the rows of `mart.alerts` with what was decided since.

    `status` new, acknowledged, closed or all; `user` a name or sys_id, victims of campaigns included; `first` and `last`
    UTC days. Members of a flood stay under their summary unless `grouped` is False.
    """
    with (warehouse or open_warehouse()).desk() as desk:
        rows = desk.frame("alerts")
    rows = in_group(rows) if grouped else rows
    return wanted(rows, status=status, policy=policy, severity=severity, user=user, first=first, last=last)


def behaviors(
    *, policy: str | None = None, user: str | None = None, warehouse: Warehouse | None = None
) -> pl.DataFrame:
    """What was seen and not raised, with `suppressed_by`; the same columns as alerts."""
    with (warehouse or open_warehouse()).desk() as desk:
        return wanted(desk.frame("behaviors"), status="all", policy=policy, user=user)


@dataclass(frozen=True)
class InDepth:
    """One alert with everything that speaks for or against it. Shows itself as a page in a notebook.

    `rarity` question, answer (null: not comparable). `risk_parts` part, log_odds, odds. `priority_parts` part, points.
    `attributions` feature, value, baseline, contribution: empty where no model scored the day. `similar` alerts of the same
    policy or person, newest first.
    """

    alert: Mapping[str, Any]
    words: Explanation
    evidence: pl.DataFrame
    rarity: pl.DataFrame
    risk_parts: pl.DataFrame
    priority_parts: pl.DataFrame
    attributions: pl.DataFrame
    similar: pl.DataFrame

    @property
    def uid(self) -> str:
        return self.words.alert_uid

    def _repr_html_(self) -> str:
        return in_depth(self)


def explain(alert: AlertLike, *, warehouse: Warehouse | None = None) -> InDepth:
    """One alert or behavior in depth; `alert` is a uid (four letters are enough), a row or a frame of one row."""
    house = warehouse or open_warehouse()
    with house.desk() as desk:
        row = _named(desk, alert)
        evidence = desk.evidence_frame(row["alert_uid"])
        past = [str(decision) for decision in desk.triage.history(row["alert_uid"])]
        everything = pl.concat([desk.frame("alerts"), desk.frame("behaviors")], how="diagonal_relaxed")
    words = explained(row, evidence.to_dicts(), history=past, **house.policy_words(row["policy_id"]))
    return InDepth(
        alert=row,
        words=words,
        evidence=evidence,
        rarity=_rarity(row),
        risk_parts=_risk_parts(row),
        priority_parts=_points(row),
        attributions=_attributions(house, row),
        similar=_similar(everything, row),
    )


def close(
    alert: AlertLike,
    reason: str,
    *,
    classification: str | None = None,
    comment: str | None = None,
    by: str | None = None,
    warehouse: Warehouse | None = None,
) -> Decision:
    """Close it for one of Microsoft's reasons, in the store that `nowguard alerts close` writes; seen at once in `alerts()`.

    The classification (true_positive, benign, false_positive) follows from the reason, except for `other`.
    """
    chosen = classification or _classification(reason)
    with (warehouse or open_warehouse()).desk() as desk:
        row = _named(desk, alert)
        return desk.triage.close(row, chosen, reason, author=by or getpass.getuser(), now=utc_now(), comment=comment)


def acknowledge(
    alert: AlertLike, *, comment: str | None = None, by: str | None = None, warehouse: Warehouse | None = None
) -> Decision:
    """Somebody looks at it; opens a closed alert again."""
    with (warehouse or open_warehouse()).desk() as desk:
        row = _named(desk, alert)
        return desk.triage.acknowledge(row, author=by or getpass.getuser(), now=utc_now(), comment=comment)


def close_reasons() -> pl.DataFrame:
    """Every reason that `close` takes: `classification`, `reason`, and whether `classification=` must be said with it."""
    rows = [(classification, reason) for classification, reasons in CLOSE_REASONS.items() for reason in reasons]
    frame = pl.DataFrame(rows, schema=["classification", "reason"], orient="row")
    return frame.with_columns(pl.col("reason").is_duplicated().alias("needs_classification"))


def _named(desk: Desk, alert: AlertLike) -> dict[str, Any]:
    if isinstance(alert, pl.DataFrame):
        if alert.height != 1:
            raise UsageError(f"this frame has {alert.height} alerts", remedy="choose one, for example alerts().head(1)")
        alert = alert.row(0, named=True)
    return desk.one(alert if isinstance(alert, str) else str(alert["alert_uid"]))


def _classification(reason: str) -> str:
    fitting = [name for name, reasons in CLOSE_REASONS.items() if reason in reasons]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"{reason!r} can mean {' or '.join(fitting)}", remedy="say which with classification=")
    known = sorted({known for reasons in CLOSE_REASONS.values() for known in reasons})
    raise UsageError(f"{reason!r} is no reason to close an alert", remedy=f"use one of {', '.join(known)}")


def _rarity(row: Mapping[str, Any]) -> pl.DataFrame:
    rows = [(question, row.get(column)) for column, question in RARITY.items()]
    return pl.DataFrame(rows, schema={"question": pl.String, "answer": pl.Boolean}, orient="row")


def _risk_parts(row: Mapping[str, Any]) -> pl.DataFrame:
    """Log-odds that sum to the risk score, and the factor each makes of the odds."""
    parts = [(name, float(value), math.exp(value)) for name, value in _object(row.get("risk_parts")).items() if value]
    return pl.DataFrame(parts, schema={"part": pl.String, "log_odds": pl.Float64, "odds": pl.Float64}, orient="row")


def _points(row: Mapping[str, Any]) -> pl.DataFrame:
    parts = [(name, float(value)) for name, value in _object(row.get("priority_parts")).items()]
    return pl.DataFrame(parts, schema={"part": pl.String, "points": pl.Float64}, orient="row")


def _object(text: str | None) -> dict[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


def _attributions(house: Warehouse, alert: Mapping[str, Any]) -> pl.DataFrame:
    """Of the model that took part; else of the strangest of the person's days in the alert that a model scored."""
    columns = "feature, value, baseline, contribution"
    order = "ORDER BY abs(contribution) DESC, feature"
    own = house.ask(
        f"SELECT {columns} FROM mart.alert_attributions WHERE alert_uid = $uid {order}", uid=alert["alert_uid"]
    )
    if own.height or not alert["actor_user_uid"]:
        return own
    return house.ask(
        f"WITH strangest AS (SELECT * FROM mart.model_scores WHERE instance = $instance AND actor_user_uid = $actor "
        f"AND event_date BETWEEN $first AND $last ORDER BY risk_score DESC, event_date DESC LIMIT 1) "
        f"SELECT {columns} FROM mart.model_attributions a JOIN strangest USING (instance, event_date, actor_user_uid, model_id) {order}",
        instance=alert["instance"], actor=alert["actor_user_uid"], first=alert["first_seen"].date(), last=alert["last_seen"].date(),
    )  # fmt: skip


def _similar(rows: pl.DataFrame, row: Mapping[str, Any]) -> pl.DataFrame:
    """Others of the same policy or person, with how they were closed: what a colleague decided is the best hint."""
    user, uid = row["actor_user_uid"], row["alert_uid"]
    same_user = pl.col("actor_user_uid").eq(user).fill_null(False) if user else pl.lit(False)
    like = (
        pl.when(same_user & (pl.col("policy_id") == row["policy_id"]))
        .then(pl.lit("same person and policy"))
        .when(same_user)
        .then(pl.lit("same person"))
        .otherwise(pl.lit("same policy"))
    )
    found = rows.filter(pl.col("alert_uid") != uid, same_user | (pl.col("policy_id") == row["policy_id"]))
    columns = ["alert_uid", "policy_id", "actor_user_name", "title", "last_seen", "risk_score", "status", "classification",
               "close_reason", "suppressed_by"]  # fmt: skip
    return found.select(like.alias("like"), *columns).sort(
        "like", "last_seen", "alert_uid", descending=[False, True, False]
    )
