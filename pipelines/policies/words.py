"""Titles and evidence lines: plain text for a person, made of what an attacker may have typed.

Text is kept as text: control, format and bidirectional characters go, length is bounded, nothing is interpreted. Whoever
shows it escapes it for the place.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

MAX_VALUE, MAX_TITLE = 80, 300
_SPACE = frozenset({"Zs", "Zl", "Zp", "Cc"})


def plain(text: str, limit: int = MAX_VALUE) -> str:
    """One line of printable characters, at most `limit` of them."""
    kept = " ".join((text if text.isprintable() else _cleaned(text)).split())
    return kept if len(kept) <= limit else f"{kept[: limit - 1]}\u2026"


def _cleaned(text: str) -> str:
    """Separators and control characters as spaces; what else has no shape is left out."""
    spaced = "".join(" " if unicodedata.category(c) in _SPACE else c for c in text)
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")


def render(template: str, detection: Mapping[str, Any]) -> str:
    """`template` over a detection's columns and facts. `{actor}` is the name, else the id, else "an unknown account"."""
    actor = detection.get("actor_user_name") or detection.get("actor_user_uid") or "an unknown account"
    values = {name: _shown(value) for name, value in {**detection, "actor": actor}.items()}
    return plain(_Formatter().vformat(template, (), values), MAX_TITLE)


class _Formatter(string.Formatter):
    """A number's format (`{rows:,}`) leaves what is no number as it is: a fact may be unknown."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return value if isinstance(value, str) else str(format(value, format_spec))


def names_in(template: str) -> frozenset[str]:
    """The columns that a title speaks of."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def _shown(value: Any) -> Any:
    """Numbers stay numbers, for the template's format; everything else becomes plain text."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "unknown"}[value]
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return plain(", ".join(str(part) for part in value[:5]) + (" ..." if len(value) > 5 else ""))
    return plain(str(value))


def summary_sql(a: str) -> str:
    """SQL of one line about an activity: who, what, from where. No content and no names of records or files."""
    who = f"coalesce(nullif({a}.actor_user_name, ''), {a}.actor_user_uid, 'unknown account')"
    what = f"replace({a}.activity_name, '_', ' ')"
    on = f"CASE WHEN {a}.parent_table IS NOT NULL THEN ' on ' || {a}.parent_table ELSE '' END"
    where = f"coalesce(' from ' || {a}.src_ip, '')"
    place = f"CASE WHEN {a}.country IS NOT NULL THEN ' (' || coalesce({a}.city || ', ', '') || {a}.country || ')' ELSE '' END"
    return f"left(regexp_replace({who} || ': ' || {what} || {on} || {where} || {place}, '\\p{{C}}', '', 'g'), 240)"
