"""The page of the last run, and beside it the page of the models it links to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.report.models import render_models
from pipelines.report.read import Row, read
from pipelines.report.templates import environment, write

MODELS_PAGE = "models.html"
BAR, GAP, HEIGHT = 16, 4, 72


def render(warehouse: Path, out: Path) -> Path:
    """Write the report of `warehouse` to `out`, replacing an older one in one step; where there are models, their page beside it."""
    contents = read(warehouse)
    if contents.has_models:
        render_models(warehouse, out.with_name(MODELS_PAGE))
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            page=contents,
            models_page=MODELS_PAGE,
            alert_bars=bars(contents.alerts_by_day),
            activity_bars=bars(contents.activities_by_day),
            bar=BAR,
            height=HEIGHT,
        )
    )
    return write(page, out)


def bars(days: Sequence[Row]) -> list[dict[str, Any]]:
    """Geometry of a bar chart: x, y and height in pixels, with the day and its count for the tooltip."""
    most = max((row["n"] for row in days), default=0) or 1
    return [
        {"x": i * (BAR + GAP), "h": max(2, round(HEIGHT * row["n"] / most)), "day": str(row["day"]), "n": row["n"]}
        for i, row in enumerate(days)
    ]
