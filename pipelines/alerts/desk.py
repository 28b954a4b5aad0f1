"""The published alerts, read-only, with what was decided since they were published: what `nowguard alerts` and notebooks show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb
import polars as pl

from pipelines.alerts.decisions import overlay
from pipelines.alerts.triage import Triage
from pipelines.errors import UsageError
from pipelines.window import utc_now

MIN_PREFIX = 4


class Desk:
    """The published file, read-only, with what was decided since it was written."""

    def __init__(self, con: duckdb.DuckDBPyConnection, triage: Triage, instance: str) -> None:
        self.con = con
        self.triage = triage
        self.instance = instance
        self._snapshot = triage.snapshot()

    def rows(self, view: str = "alerts") -> list[dict[str, Any]]:
        return self.frame(view).to_dicts()

    def frame(self, view: str = "alerts") -> pl.DataFrame:
        """Rows of `mart.alerts` (without what a suppression hides by now) or of `mart.behaviors` (with it)."""
        fresh = self._overlaid("alerts")
        if view == "alerts":
            return fresh.filter(pl.col("suppressed_by").is_null())
        hidden = fresh.filter(pl.col("suppressed_by").is_not_null())
        return pl.concat([self._overlaid("behaviors"), hidden], how="diagonal_relaxed")

    def one(self, uid: str) -> dict[str, Any]:
        """The alert or behavior whose uid begins with `uid`."""
        if len(uid) < MIN_PREFIX:
            raise UsageError(f"{uid!r} is too short for an alert's uid", remedy=f"give at least {MIN_PREFIX} letters")
        found = [row for view in ("alerts", "behaviors") for row in self.rows(view) if row["alert_uid"].startswith(uid)]
        if len({row["alert_uid"] for row in found}) != 1:
            what = "no alert has" if not found else f"{len(found)} alerts have"
            raise UsageError(f"{what} a uid that begins with {uid!r}", remedy="see `nowguard alerts list --status all`")
        return found[0]

    def several(self, uids: Sequence[str]) -> list[dict[str, Any]]:
        """The alerts named; a summary brings its members."""
        chosen = {alert["alert_uid"]: alert for alert in map(self.one, uids)}
        summaries = {uid for uid, alert in chosen.items() if alert.get("is_summary")}
        members = [row for row in self.rows() if row.get("group_uid") in summaries] if summaries else []
        return list((chosen | {row["alert_uid"]: row for row in members}).values())

    def attributions(self, alert_uid: str) -> list[dict[str, Any]]:
        """What drove the model's score, the strongest first; nothing where no model took part."""
        return self._frame(
            "SELECT feature, value, baseline, contribution, scored_on, model_score, model_id, model_revision "
            "FROM mart.alert_attributions WHERE alert_uid = $uid ORDER BY contribution, feature",
            uid=alert_uid,
        ).to_dicts()

    def evidence(self, alert_uid: str) -> list[dict[str, Any]]:
        return self.evidence_frame(alert_uid).to_dicts()

    def evidence_frame(self, alert_uid: str) -> pl.DataFrame:
        """Rows of `mart.alert_evidence`, oldest first."""
        return self._frame(
            "SELECT * FROM mart.alert_evidence WHERE alert_uid = $uid ORDER BY time, source_uid", uid=alert_uid
        )

    def blind(self) -> list[dict[str, Any]]:
        """Policies that were not active on the last day published."""
        return self._frame(
            "SELECT policy_id, state, reason FROM mart.coverage c WHERE state <> 'active' AND ($instance = '' OR instance = $instance) "
            "AND event_date = (SELECT max(event_date) FROM mart.coverage d WHERE d.instance = c.instance) ORDER BY ALL",
            instance=self.instance,
        ).to_dicts()

    def reference(self) -> datetime:
        """The end of the last day published; without one, now."""
        found = self._frame(
            "SELECT greatest(max(event_date), (SELECT max(event_date) FROM mart.alerts)) AS day FROM mart.coverage"
        )
        day = found["day"][0]
        return datetime.combine(day, time.min) + timedelta(days=1) if day else utc_now()

    def _overlaid(self, view: str) -> pl.DataFrame:
        rows = self._frame(
            f"SELECT * FROM mart.{view} WHERE $instance = '' OR instance = $instance",  # our view
            instance=self.instance,
        )
        return overlay(rows, self._snapshot)

    def _frame(self, sql: str, **params: str) -> pl.DataFrame:
        frame: pl.DataFrame = self.con.sql(sql, params=params or None).pl()
        return frame


def wanted(
    rows: pl.DataFrame,
    *,
    status: str | None = None,
    policy: str | None = None,
    severity: str | None = None,
    user: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> pl.DataFrame:
    """Rows of alerts or behaviors that pass every filter given, most pressing (probability x priority) first.

    `status` None means not closed, `all` means any; `user` is a name or sys_id, victims of campaigns included.
    """
    tests = [
        pl.col("status") != "closed"
        if status is None
        else pl.lit(True)
        if status == "all"
        else pl.col("status") == status
    ]
    tests += [
        pl.col(name) == said for name, said in (("policy_id", policy), ("severity", severity)) if said is not None
    ]
    tests += [pl.col("event_date") >= first] if first else []
    tests += [pl.col("event_date") <= last] if last else []
    if user is not None:
        named = [pl.col(name).eq(user).fill_null(False) for name in ("actor_user_name", "actor_user_uid")]
        tests.append(pl.any_horizontal(*named, pl.col("actor_user_uids").list.contains(user).fill_null(False)))
    weight = pl.col("risk_score").fill_null(0) * pl.col("priority").fill_null(0)
    return rows.filter(*tests).sort(-weight, pl.col("alert_uid"))


def in_group(rows: pl.DataFrame, group_uid: str | None = None) -> pl.DataFrame:
    """Members of a flood are shown only when their summary is asked for."""
    return rows.filter(pl.col("group_uid").eq_missing(pl.lit(group_uid, dtype=pl.String)))
