"""Render the page: jinja2 with autoescape is the one place where text becomes HTML; no script, no outside request."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.report.read import Row, read

TEMPLATES = Path(__file__).parent
BAR, GAP, HEIGHT = 16, 4, 72


def render(warehouse: Path, out: Path) -> Path:
    """Write the report of `warehouse` to `out`, replacing an older one in one step."""
    contents = read(warehouse)
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            page=contents,
            alert_bars=bars(contents.alerts_by_day),
            activity_bars=bars(contents.activities_by_day),
            bar=BAR,
            height=HEIGHT,
        )
    )
    return write(page, out)


def environment(*folders: Path) -> Environment:
    """Where every template that shows text from ServiceNow is rendered: it escapes, and a misspelt name is an error."""
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"shown": shown, "number": number}
    return made


def write(page: str, out: Path) -> Path:
    """Replace `out` in one step: a reader sees the old page or the new one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(out)
    return out


def bars(days: Sequence[Row]) -> list[dict[str, Any]]:
    """Geometry of a bar chart: x, y and height in pixels, with the day and its count for the tooltip."""
    most = max((row["n"] for row in days), default=0) or 1
    return [
        {"x": i * (BAR + GAP), "h": max(2, round(HEIGHT * row["n"] / most)), "day": str(row["day"]), "n": row["n"]}
        for i, row in enumerate(days)
    ]


def shown(value: object) -> str:
    """One line of text without control, bidirectional or other invisible characters."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(v) for v in value)
    if hasattr(value, "strftime"):
        return str(value)[:19]
    return "".join(c if unicodedata.category(c)[0] != "C" else "\ufffd" for c in str(value))


def number(value: object) -> str:
    return "" if value is None else f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
