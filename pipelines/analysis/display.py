"""Frames and alerts as HTML for a notebook. Text from ServiceNow passes the report's escaping, here as everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from jinja2 import Environment

from pipelines.report import environment, shown

if TYPE_CHECKING:
    from pipelines.analysis.alerts import InDepth

TEMPLATES = Path(__file__).parent
MOST_ROWS = 25
MOST_EVIDENCE = 15


@dataclass(frozen=True)
class ShownTable:
    """A captioned table; a notebook shows it as HTML, a terminal as text. `frame` has the rows as they are."""

    frame: pl.DataFrame
    caption: str
    limit: int

    def _repr_html_(self) -> str:
        return table_html(self.frame, self.caption, self.limit)

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.frame.head(self.limit)}"


def shown_table(frame: pl.DataFrame, caption: str, *, limit: int = MOST_ROWS) -> ShownTable:
    """`frame` with a caption and its first `limit` rows; says how many more there are."""
    return ShownTable(frame, caption, limit)


def table_html(frame: pl.DataFrame, caption: str, limit: int) -> str:
    kinds = ["n" if dtype.is_numeric() else "t" if dtype.is_temporal() else "" for dtype in frame.dtypes]
    return _templates().get_template("table.html.j2").render(
        caption=caption, names=[name.replace("_", " ") for name in frame.columns], kinds=kinds,
        rows=[[_cell(value) for value in row] for row in frame.head(limit).iter_rows()], more=max(0, frame.height - limit),
    )  # fmt: skip


def in_depth(found: InDepth) -> str:
    """The page of one alert."""
    return _templates().get_template("in_depth.html.j2").render(
        alert=found.alert, words=found.words, rarity=found.rarity.rows(), evidence=found.evidence.head(MOST_EVIDENCE).to_dicts(),
        more_evidence=max(0, found.evidence.height - MOST_EVIDENCE), attributions=bars(found.attributions.to_dicts(), "contribution"),
        similar=found.similar.head(8).to_dicts(), similar_count=found.similar.height,
    )  # fmt: skip


def bars(rows: Sequence[dict[str, Any]], column: str, most: int = 10) -> list[dict[str, Any]]:
    """The first rows with `share`: the size of `column` in percent of the largest."""
    largest = max((abs(row[column] or 0) for row in rows), default=0) or 1
    return [row | {"share": round(100 * abs(row[column] or 0) / largest)} for row in rows[:most]]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else shown(value)


@cache
def _templates() -> Environment:
    return environment(TEMPLATES)
