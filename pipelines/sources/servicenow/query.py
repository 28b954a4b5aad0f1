"""Encoded queries from typed parts: a value can never become an operator."""

from __future__ import annotations

import re
from datetime import datetime

from pipelines.errors import UsageError

COLUMN = re.compile(r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
OPERATORS = frozenset({"=", "!=", ">", ">=", "<", "<=", "STARTSWITH", "IN"})


def term(column: str, operator: str, value: str | datetime) -> str:
    """`column operator value`. A `^` in the value is doubled; a value that the server would evaluate is refused."""
    if not COLUMN.fullmatch(column):
        raise UsageError(f"{column!r} is not a column name", remedy="use the dictionary's element name")
    if operator not in OPERATORS:
        raise UsageError(f"{operator!r} is not an operator we send", remedy=f"use one of {sorted(OPERATORS)}")
    text = wire_time(value) if isinstance(value, datetime) else value
    if "javascript:" in text.lower() or any(ord(c) < 32 for c in text):
        raise UsageError("a query value must be plain text", remedy="compute dates on our side")
    return f"{column}{operator}{text.replace('^', '^^')}"


def all_of(*terms: str) -> str:
    return "^".join(t for t in terms if t)


def ordered(query: str, *columns: str) -> str:
    """`query` with the order appended; names are the contract's, never data."""
    return all_of(query, *(f"ORDERBY{c}" for c in columns))


def wire_time(moment: datetime) -> str:
    """UTC, whole seconds: what the API reads a literal as."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
