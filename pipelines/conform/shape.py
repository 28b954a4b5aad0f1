"""The one row shape that every family of activities selects into, and how a SELECT in it is written.

SQL text in this package is made of our own words only. Values (days, user names) travel as parameters, data as columns.
"""

from __future__ import annotations

from typing import Final

#: Column -> DuckDB type of `conform_found`: an activity before it is attributed. `user_name` is the name that the
#: platform wrote down (the effective user); `user_uid` a sys_id of it, where the row carries one.
SHAPE: Final[dict[str, str]] = {
    "activity_uid": "VARCHAR",
    "time": "TIMESTAMP",
    "activity_name": "VARCHAR",
    "status": "VARCHAR",
    "user_name": "VARCHAR",
    "user_uid": "VARCHAR",
    "session_uid": "VARCHAR",
    "is_interactive": "BOOLEAN",
    "is_system": "BOOLEAN",
    "resource_type": "VARCHAR",
    "resource_uid": "VARCHAR",
    "resource_name": "VARCHAR",
    "parent_table": "VARCHAR",
    "parent_uid": "VARCHAR",
    "bytes": "BIGINT",
    "row_count": "BIGINT",
    "detail": "VARCHAR",
    "src_ip": "VARCHAR",
    "ip_source": "VARCHAR",
    "user_agent": "VARCHAR",
    "source_table": "VARCHAR",
    "source_uid": "VARCHAR",
}


def activity(source: str, **columns: str) -> str:
    """A SELECT in the shape: `columns` are SQL expressions, the rest is NULL; `source` is what follows FROM."""
    if foreign := columns.keys() - SHAPE.keys():
        raise ValueError(f"not in the shape of an activity: {sorted(foreign)}")
    body = ", ".join(f"CAST({columns.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in SHAPE.items())
    return f"SELECT {body} FROM {source}"


def uid(table: str, sys_id: str = "sys_id", suffix: str = "") -> str:
    """SQL of a stable `activity_uid`: where the row came from, its sys_id, and a suffix where one row gives several."""
    tail = f" || ':{suffix}'" if suffix else ""
    return f"'{table}:' || {sys_id}{tail}"
