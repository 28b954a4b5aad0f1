"""Templates with autoescape are the one place where text becomes HTML; no script, no outside request."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent


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
