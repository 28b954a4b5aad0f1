"""Each expression compiled once per process: for a stand-in day and instance, which the SQL is then filled in for.

Compiling an Ibis expression costs 0.2 to 1.5 s, running it on a day far less; a back-fill of forty days must not pay forty
times. Everything relative to the day is a literal around the stand-in, a day that no real table holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import ibis.expr.schema as sch
import ibis.expr.types as ir

from pipelines.features.core import to_sql

DAY = date(2999, 7, 1)
INSTANCE = "<<instance>>"

_DATE = re.compile(r"MAKE_DATE\((299\d), (\d{1,2}), (\d{1,2})\)")
_INSTANT = re.compile(r"'(299\d)-(\d\d)-(\d\d)( \d\d:\d\d:\d\d(?:\.\d+)?)'")

_compiled: dict[str, tuple[str, sch.Schema]] = {}


def compiled(key: str, build: Callable[[str, date], ir.Table], instance: str, day: date) -> tuple[str, sch.Schema]:
    """(SQL for `instance` and `day`, schema of its rows). `build` makes the expression; `key` names it and all that it was
    made from, day and instance excepted."""
    if key not in _compiled:
        expression = build(INSTANCE, DAY)
        _compiled[key] = (to_sql(expression), expression.schema())
    sql, schema = _compiled[key]
    return filled_in(sql, instance, day), schema


def filled_in(sql: str, instance: str, day: date) -> str:
    """The stand-ins replaced: dates and instants keep their distance from the day."""
    shift = day - DAY
    sql = _DATE.sub(lambda m: _as_date(_moved(m, shift)), sql)
    sql = _INSTANT.sub(lambda m: f"'{_moved(m, shift)}{m[4]}'", sql)
    return sql.replace(f"'{INSTANCE}'", "'" + instance.replace("'", "''") + "'")


def _moved(found: re.Match[str], shift: timedelta) -> date:
    return date(int(found[1]), int(found[2]), int(found[3])) + shift


def _as_date(day: date) -> str:
    return f"MAKE_DATE({day.year}, {day.month}, {day.day})"
