"""The published alerts, read-only, with what was decided since they were published: what `nowguard alerts` works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.window import utc_now

if TYPE_CHECKING:
    import polars as pl

    from pipelines.alerts import Triage
    from pipelines.settings import Settings

MIN_PREFIX = 4


class Desk:
    """The published file, read-only, with what was decided since it was written."""

    def __init__(self, con: Any, triage: Triage, instance: str) -> None:
        self.con = con
        self.triage = triage
        self.instance = instance
        self._snapshot = triage.snapshot()

    def rows(self, view: str = "alerts") -> list[dict[str, Any]]:
        """Rows of `mart.alerts` (without what a suppression hides by now) or of `mart.behaviors` (with it)."""
        import polars as pl

        fresh = self._overlaid("alerts")
        if view == "alerts":
            return fresh.filter(pl.col("suppressed_by").is_null()).to_dicts()
        hidden = fresh.filter(pl.col("suppressed_by").is_not_null())
        return pl.concat([self._overlaid("behaviors"), hidden], how="diagonal_relaxed").to_dicts()

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

    def evidence(self, alert_uid: str) -> list[dict[str, Any]]:
        frame = self._frame(
            "SELECT * FROM mart.alert_evidence WHERE alert_uid = $uid ORDER BY time, source_uid", uid=alert_uid
        )
        return frame.to_dicts()

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
        from pipelines.alerts.decisions import overlay

        rows = self._frame(
            f"SELECT * FROM mart.{view} WHERE $instance = '' OR instance = $instance",  # our view
            instance=self.instance,
        )
        return overlay(rows, self._snapshot)

    def _frame(self, sql: str, **params: str) -> pl.DataFrame:
        frame: pl.DataFrame = self.con.sql(sql, params=params or None).pl()
        return frame


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    import duckdb

    if not settings.warehouse.is_file():
        raise UsageError(
            f"nothing is published in {settings.warehouse}", remedy="run `nowguard run --from DATE --to DATE` first"
        )
    with open_triage(settings) as triage, duckdb.connect(str(settings.warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield Desk(con, triage, settings.instance)


@contextmanager
def open_triage(settings: Settings) -> Iterator[Triage]:
    from pipelines.alerts import Triage
    from pipelines.state_store import StateStore

    with closing(StateStore(settings.state_file)) as store:
        yield Triage(store)
