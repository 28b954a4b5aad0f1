"""Each expression compiled once: for a stand-in day and instance, which the SQL is then filled in for.

Compiling an Ibis expression costs 0.2 to 1.5 s, running it on a day far less; neither a back-fill of forty days nor every
task of every night must pay for it. Everything relative to the day is a literal around the stand-in, a day that no real
table holds. What was compiled is kept in a folder under a name made of all the code that it was made from: changed code,
libraries or parameters never meet old SQL.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import ibis.expr.schema as sch
import ibis.expr.types as ir

import pipelines
from pipelines.features.core import to_sql

DAY = date(2999, 7, 1)
INSTANCE = "<<instance>>"

_DATE = re.compile(r"MAKE_DATE\((299\d), (\d{1,2}), (\d{1,2})\)")
_INSTANT = re.compile(r"'(299\d)-(\d\d)-(\d\d)( \d\d:\d\d:\d\d(?:\.\d+)?)'")

#: The packages whose source decides what an expression compiles to; a user's own policy file is in the key.
_MADE_FROM = ("contracts", "features", "policies")

_compiled: dict[str, tuple[str, sch.Schema]] = {}
_kept: list[Path] = []


def keep_in(folder: Path | None) -> None:
    """Where compiled expressions outlive the process; None forgets the folder. Losing it costs only time."""
    _kept[:] = [folder] if folder else []


def compiled(key: str, build: Callable[[str, date], ir.Table], instance: str, day: date) -> tuple[str, sch.Schema]:
    """(SQL for `instance` and `day`, schema of its rows). `build` makes the expression; `key` names it and all that it was
    made from, day, instance and this project's own source excepted."""
    if key not in _compiled:
        _compiled[key] = _read(key) or _keep(key, build(INSTANCE, DAY))
    sql, schema = _compiled[key]
    return filled_in(sql, instance, day), schema


def _read(key: str) -> tuple[str, sch.Schema] | None:
    """What an earlier process kept; anything unreadable is compiled again."""
    try:
        found = json.loads(_path(key).read_text(encoding="utf-8"))
        return found["sql"], sch.Schema(dict(found["schema"]))
    except Exception:  # noqa: BLE001  # whatever a damaged file trips over
        return None


def _keep(key: str, expression: ir.Table) -> tuple[str, sch.Schema]:
    sql, schema = to_sql(expression), expression.schema()
    if _kept:
        path = _path(key)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"sql": sql, "schema": [(n, str(t)) for n, t in schema.items()]}), "utf-8")
            beside.replace(path)
        except OSError:  # a full disk is reported by what must be written
            beside.unlink(missing_ok=True)
    return sql, schema


def _path(key: str) -> Path:
    return _kept[0] / f"{hashlib.sha256(f'{key} {_source()}'.encode()).hexdigest()[:32]}.json"


@cache
def _source() -> str:
    """A digest of the code and libraries that turn a declaration into SQL."""
    digest = hashlib.sha256()
    for package in _MADE_FROM:
        for path in sorted((Path(pipelines.__file__).parent / package).rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for library in ("ibis-framework", "sqlglot"):
        digest.update(importlib.metadata.version(library).encode())
    return digest.hexdigest()


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
