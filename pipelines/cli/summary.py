"""What a person sees at the end of a run: alerts, blindness, rows and seconds per step, and three next commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.context import Output

if TYPE_CHECKING:
    from pipelines.settings import Settings

STYLES = {
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "blind": "bold red",
    "degraded": "yellow",
    "learning": "cyan",
}
SHOWN = 15

ALERTS = """
SELECT severity, policy_id,
       coalesce(actor_user_name, nullif(len(actor_user_uids), 0)::VARCHAR || ' users', '(the instance)') AS who, title, first_seen,
       round(risk_score) AS risk, round(priority) AS priority
FROM mart.alerts WHERE instance = ? AND status <> 'closed' ORDER BY priority DESC, last_seen DESC, alert_uid LIMIT ?
"""
COUNTS = (
    "SELECT count(*), (SELECT count(*) FROM mart.behaviors WHERE instance = $1) FROM mart.alerts WHERE instance = $1"
)
POSTURE = """
SELECT score, own_score, compliant, not_compliant, unknown, event_date FROM mart.posture_score
WHERE instance = ? AND event_date <= ? ORDER BY event_date DESC LIMIT 1
"""
COVERAGE = "SELECT policy_id, state, reason FROM mart.coverage WHERE instance = ? AND event_date = ? ORDER BY policy_id"
STEPS = """
SELECT step, cast(sum(rows) FILTER (WHERE "table" <> '') AS BIGINT) AS rows,
       round(max(seconds) FILTER (WHERE "table" = ''), 1) AS seconds
FROM mart.runs
WHERE instance = $1 AND step IN (SELECT unnest($2))
  AND run_uid IN (SELECT arg_max(run_uid, time) FROM mart.runs WHERE instance = $1 GROUP BY step)
GROUP BY step
"""


def print_summary(settings: Settings, day: date, out: Output, *, seconds: float) -> None:
    """Read the published file only: what is printed is what a BI tool would see."""
    import duckdb

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        found = _read(con, settings.instance, day)
    if out.json:
        out.document({**found, "seconds": round(seconds, 1), "warehouse": str(settings.warehouse)})
        return
    _print_alerts(found, out)
    _print_posture(found["posture"], out)
    blind = [row for row in found["coverage"] if row[1] != "active"]
    out.table(f"What the policies could see on {day}", ["policy", "state", "reason"], found["coverage"], styles=STYLES)
    out.table("Steps of the last run", ["step", "rows", "seconds"], found["steps"])
    if blind:
        out.line(f"{len(blind)} of {len(found['coverage'])} policies did not see everything: read the reasons above.")
    out.line(f"\nPublished {settings.warehouse} in {seconds:.0f} s. Where to look next:".strip())
    for command, why in _next(settings):
        out.line(f"  {command:<58} {why}")


def _read(con: Any, instance: str, day: date) -> dict[str, Any]:
    from pipelines.steps import STEPS as ORDER

    steps = con.execute(STEPS, [instance, list(ORDER)]).fetchall()
    alerts, behaviors = con.execute(COUNTS, [instance]).fetchall()[0]
    return {
        "alerts": con.execute(ALERTS, [instance, SHOWN]).fetchall(),
        "alert_count": alerts,
        "behavior_count": behaviors,
        "posture": con.execute(POSTURE, [instance, day]).fetchall(),
        "coverage": con.execute(COVERAGE, [instance, day]).fetchall(),
        "steps": sorted(steps, key=lambda row: ORDER.index(row[0])),
    }


def _print_alerts(found: dict[str, Any], out: Output) -> None:
    rows: Sequence[Sequence[object]] = found["alerts"]
    if rows:
        title = f"{found['alert_count']} alerts ({found['behavior_count']} weaker observations in mart.behaviors)"
        out.table(
            title, ["severity", "policy", "who", "what", "first seen (UTC)", "risk", "priority"], rows, styles=STYLES
        )
        return
    unseeing = [row[0] for row in found["coverage"] if row[1] == "blind"]
    said = f"Nothing can be said for {', '.join(unseeing)}: blind." if unseeing else "No alerts."
    out.line(said)


def _print_posture(rows: Sequence[Sequence[Any]], out: Output) -> None:
    if not rows:
        out.line("Posture has not been read yet: `nowguard run --step posture`, then `--step publish`.")
        return
    score, own, compliant, against, unknown, day = rows[0]
    by_formula = "unknown" if score is None else f"{score:.0f} of 100"
    out.line(
        f"Posture on {day}: {by_formula} by ServiceNow's formula, {own or 0:.0f} by ours, which not seeing does not raise "
        f"({compliant} compliant, {against} not, {unknown} unknown)."
    )


def _next(settings: Settings) -> list[tuple[str, str]]:
    """Commands that work as they are printed, from here."""
    own = _runnable()
    query = f'duckdb -readonly {_from_here(settings.warehouse)} "FROM mart.alerts"'
    return [
        (f"{own} alerts list", "the queue; `alerts show <uid>` explains one"),
        (f"{own} report --open", "the run as one offline HTML page, with one about the models"),
        ("make up", "notebooks: alert_triage to decide, model_explanation to see why"),
        (query, "or any client of DuckDB 1.4 and newer"),
    ]


def _runnable() -> str:
    """The console script as a path from here, where it is not installed for everybody."""
    beside = Path(sys.executable).with_name("nowguard")
    return _from_here(beside) if beside.is_file() else "nowguard"


def _from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
