"""The anomaly models as one offline page: do they fit, what drives them, what did analysts make of what they found?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.contracts import contract
from pipelines.report.model_sql import DISTRIBUTION, DRIFT, EFFECTS, JUDGED, PRECISION, STABILITY
from pipelines.report.read import Row, rows
from pipelines.report.templates import environment, write

SHOWN_FEATURES = 15
SHOWN_DAYS = 15
DRIFT_DAYS = 14
WIDE, HIGH = 560, 110
BUDGET = 5  # user-days of 1,000: the precision shown first

_STRANGEST = f"""
WITH top AS (FROM ({JUDGED}) WHERE risk_score IS NOT NULL ORDER BY risk_score DESC, depth, event_date DESC, actor_user_uid LIMIT $most),
     reasons AS (
    SELECT instance, event_date, model_id, actor_user_uid, list(feature ORDER BY contribution, feature)[:3] AS reasons
    FROM mart.model_attributions WHERE contribution < 0 GROUP BY ALL)
SELECT * FROM top LEFT JOIN reasons USING (instance, event_date, model_id, actor_user_uid)
ORDER BY risk_score DESC, depth, event_date DESC, actor_user_uid
"""
_MODELS = "SELECT DISTINCT model_id FROM (SELECT model_id FROM mart.models UNION ALL SELECT model_id FROM mart.model_scores) ORDER BY 1"
_REVISIONS = "FROM mart.models WHERE model_id = $model ORDER BY trained_to DESC, model_revision"


@dataclass(frozen=True)
class ModelPart:
    """What the page says of one model; every text is hostile until the template escapes it."""

    model_id: str
    title: str
    card: str
    revisions: Sequence[Row]
    distribution: Sequence[Row]
    effects: Sequence[Row]
    strangest: Sequence[Row]
    stability: Sequence[Row]
    drift_days: Sequence[date]
    drift: Sequence[tuple[str, Sequence[Row | None]]]
    precision: Sequence[Row]

    @property
    def champion(self) -> Row | None:
        return next((row for row in self.revisions if row["role"] == "champion"), None)

    @property
    def shifted(self) -> list[str]:
        """Features that stand as shifted on the last day."""
        return [name for name, cells in self.drift if cells and cells[-1] and cells[-1]["level"] == "shifted"]

    @property
    def at_budget(self) -> Row | None:
        return next((row for row in self.precision if row["per_1000"] == BUDGET), None)


def render_models(warehouse: Path, out: Path) -> Path:
    """Write the page about every model of `warehouse` to `out`, replacing an older one in one step."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = [_part(con, row["model_id"]) for row in rows(con, _MODELS)]
        instances = [row["instance"] for row in rows(con, "SELECT DISTINCT instance FROM mart.coverage ORDER BY 1")]
        last = rows(con, "SELECT max(event_date) AS day FROM mart.coverage")[0]["day"]
    page = environment().get_template("models.html.j2").render(
        models=found, instances=instances, last_day=last, wide=WIDE, high=HIGH, histogram=histogram, line=line, budget_bars=budget_bars,
    )  # fmt: skip
    return write(page, out)


def histogram(distribution: Sequence[Row]) -> list[dict[str, Any]]:
    """Twenty bars on a log scale, and inside each the days with an alert: x, width, height and height of the inner part."""
    counts = {row["risk_from"]: row for row in distribution}
    most = math.log10(1 + max((row["user_days"] for row in distribution), default=1))
    width = WIDE / 20
    made = []
    for i in range(20):
        row = counts.get(5 * i, {"user_days": 0, "alerted": 0})
        height = _log(row["user_days"], most)
        inner = height * row["alerted"] / row["user_days"] if row["user_days"] else 0
        made.append({"x": i * width + 1, "w": width - 2, "h": height, "inner": round(inner, 1), "from": 5 * i, **row})
    return made


def line(days: Sequence[Row], column: str) -> str:
    """Points of a line over the days, 0-100 from bottom to top, above the bars of `budget_bars`."""
    step = WIDE / max(14, len(days))
    known = [(i, row[column]) for i, row in enumerate(days) if row[column] is not None]
    return " ".join(f"{(i + 0.5) * step:.1f},{HIGH - HIGH * value / 100:.1f}" for i, value in known)


def budget_bars(days: Sequence[Row]) -> list[dict[str, Any]]:
    """User-days of 1,000 in the budget, a bar a day."""
    most = max((row["in_budget_per_1000"] for row in days), default=0) or 1
    width = WIDE / max(14, len(days))
    return [
        {"x": i * width + 1, "w": max(1.0, width - 2), "h": HIGH * row["in_budget_per_1000"] / most, **row}
        for i, row in enumerate(days)
    ]


def wilson(confirmed: int, judged: int) -> tuple[float, float] | None:
    """95 % interval of a share, in percent: with few verdicts the share itself says little."""
    if not judged:
        return None
    z, share = 1.96, confirmed / judged
    middle = (share + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z / (1 + z * z / judged) * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def _part(con: duckdb.DuckDBPyConnection, model_id: str) -> ModelPart:
    asked = {"model": model_id}
    title, card, meanings = _declared(model_id)
    effects = rows(con, EFFECTS, asked)
    largest = max((row["mean_effect"] for row in effects), default=0) or 1
    days, drift = _drift(rows(con, DRIFT, asked | {"peer_group": "organisation"}))
    return ModelPart(
        model_id, title, card, rows(con, _REVISIONS, asked), rows(con, DISTRIBUTION, asked),
        [row | {"share": round(100 * row["mean_effect"] / largest), "meaning": meanings.get(row["feature"], "")} for row in effects[:SHOWN_FEATURES]],
        rows(con, _STRANGEST, asked | {"most": SHOWN_DAYS}), rows(con, STABILITY, asked), days, drift,
        [row | {"range": wilson(row["confirmed"], row["judged"])} for row in rows(con, PRECISION, asked)],
    )  # fmt: skip


def _declared(model_id: str) -> tuple[str, str, dict[str, str]]:
    """Title, card, and what each feature means with its unit; of a model that is no longer declared, its id alone."""
    from models.registry import catalogue

    model = catalogue().get(model_id)
    if model is None:
        return model_id, "", {}
    told = contract(model.table)
    return model.title, model.card, {f.name: f.description + (f" ({f.unit})" if f.unit else "") for f in told.fields}


def _drift(found: Sequence[Row]) -> tuple[list[date], list[tuple[str, Sequence[Row | None]]]]:
    """The last days, and per feature one cell a day; what moved most on the last day comes first."""
    days = sorted({row["event_date"] for row in found})[-DRIFT_DAYS:]
    cells = {(row["feature"], row["event_date"]): row for row in found}
    order = sorted({row["feature"] for row in found}, key=lambda name: (-_psi(cells.get((name, days[-1]))), name))
    return days, [(name, [cells.get((name, day)) for day in days]) for name in order[:SHOWN_FEATURES]]


def _psi(cell: Row | None) -> float:
    return cell["psi"] if cell else -1.0


def _log(count: int, most: float) -> float:
    return round(HIGH * math.log10(1 + count) / most, 1) if count else 0.0
