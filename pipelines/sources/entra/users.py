"""Users and deleted users as snapshots: whole at first contact and once a week, else carried on by what changed.

The delta link is taken before the users are listed, so that nothing falls between the two. Changes are applied to the
snapshot that the link belongs to; a link that Graph no longer knows leads back to reading everything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Dtype, Table
from pipelines.errors import AccessDenied, NowguardError
from pipelines.sources.entra.connection import LEAVE_READ
from pipelines.sources.entra.graph import Graph, NotOffered, ResyncNeeded

log = logging.getLogger("nowguard.source")

USER, DELETED_USER = "raw_entra__user", "raw_entra__deleted_user"
LARGEST_PAGE = "999"
LEAVE = "employee_leave_date_time"
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The users of an earlier run and the link to what changed since."""

    users: pa.Table
    delta_link: str


@dataclass(frozen=True, slots=True)
class TableRead:
    """One table: its rows, or why there are none. `state`: ok, denied or failed."""

    table: Table
    state: str
    reason: str = ""
    rows: pa.Table | None = None
    missing_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DirectoryRead:
    tables: tuple[TableRead, ...]
    delta_link: str = field(default="", repr=False)
    is_whole: bool = True


def read_directory(graph: Graph, instance: str, day: date, now: datetime, previous: Snapshot | None) -> DirectoryRead:
    """Both tables for `day`, observed at `now`. What cannot be read is said, never raised."""
    stamp = {"instance": instance, "event_date": day, "observed_at": now}
    link, is_whole = "", True
    try:
        rows, link, is_whole = _users(graph, previous)
        users = _ok(contract(USER), rows.values(), stamp, graph)
    except NowguardError as error:
        users = _unread(contract(USER), error)
        if isinstance(error, AccessDenied) and graph.roles is None:
            return DirectoryRead((users, _unread(contract(DELETED_USER), error)))  # no token: it would be refused again
    try:
        found = _listed(graph, "/directory/deletedItems/microsoft.graph.user", contract(DELETED_USER))
        deleted = _ok(contract(DELETED_USER), found.values(), stamp, graph)
    except ResyncNeeded:
        deleted = TableRead(contract(DELETED_USER), "failed", "Graph says that the list is gone")
    except NowguardError as error:
        deleted = _unread(contract(DELETED_USER), error)
    return DirectoryRead((users, deleted), link, is_whole)


def _users(graph: Graph, previous: Snapshot | None) -> tuple[Rows, str, bool]:
    """(rows by id, link to what follows, whether all were listed)."""
    table = contract(USER)
    if previous is not None:
        try:
            rows = _by_id(table, previous.users)
            return (*_changed(graph, table, rows, previous.delta_link), False)
        except (ResyncNeeded, NotOffered):
            log.info("the link to the directory's changes has ended: all users are read again")
    link = _latest_link(graph, table)
    try:
        return _listed(graph, "/users", table), link, True
    except ResyncNeeded:
        raise NotOffered("Graph says that the list of users is gone", remedy="run again later") from None


def _listed(graph: Graph, path: str, table: Table) -> Rows:
    """A whole collection; without the leave date where this Graph does not know that property."""
    wire = list(table.wire_columns)
    for names in (wire, [theirs for theirs in wire if table.wire_columns[theirs] != LEAVE]):
        try:
            query = {"$select": ",".join(names), "$top": LARGEST_PAGE}
            return _ours(table, (row for page in graph.pages(path, query) for row in page.rows))
        except NotOffered as refused:
            problem = refused
    raise problem


def _latest_link(graph: Graph, table: Table) -> str:
    """A link to the changes from now on; "" where this Graph has none: then everything is read each night."""
    link = ""
    try:
        for page in graph.pages("/users/delta", {"$select": ",".join(table.wire_columns), "$deltatoken": "latest"}):
            link = page.delta_link or link
    except (ResyncNeeded, NotOffered):
        return ""
    return link


def _changed(graph: Graph, table: Table, rows: Rows, link: str) -> tuple[Rows, str]:
    """`rows` with the changes behind `link`. A property that a change does not name stays as it was."""
    wire = table.wire_columns
    following = ""
    for page in graph.pages(link):
        for change in page.rows:
            uid = change["id"]
            if "@removed" in change:
                rows.pop(uid, None)
                continue
            held = rows.setdefault(uid, dict.fromkeys(wire.values()))
            held |= {wire[name]: _value(table, wire[name], value) for name, value in change.items() if name in wire}
        following = page.delta_link or following
    if not following:
        raise NotOffered("Graph ended its changes without a link to the next ones", remedy="run again later")
    return rows, following


def _ours(table: Table, rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows by id in our columns; one that comes twice is kept once, as it came last."""
    wire = table.wire_columns
    return {row["id"]: {ours: _value(table, ours, row.get(theirs)) for theirs, ours in wire.items()} for row in rows}


def _value(table: Table, column: str, value: Any) -> Any:
    """A value in the column's type; one of another kind is unknown, not a guess."""
    if table[column].dtype is Dtype.BOOL:
        return value if isinstance(value, bool) else None
    if value is None or isinstance(value, bool | dict | list):
        return None
    return str(value).encode("utf-8", "replace").decode()[:1000] or None


def _by_id(table: Table, users: pa.Table) -> Rows:
    columns = list(table.wire_columns.values())
    return {row["directory_id"]: row for row in users.select(columns).to_pylist()}


def _ok(table: Table, rows: Iterable[Mapping[str, Any]], stamp: Mapping[str, Any], graph: Graph) -> TableRead:
    ordered = sorted(({**row, **stamp} for row in rows), key=lambda row: str(row["directory_id"]))
    data = pa.Table.from_pylist(ordered, schema=table.arrow_schema())
    is_hidden = graph.roles is not None and LEAVE_READ not in graph.roles and data[LEAVE].null_count == data.num_rows
    return TableRead(table, "ok", rows=data, missing_columns=(LEAVE,) if is_hidden else ())


def _unread(table: Table, error: NowguardError) -> TableRead:
    return TableRead(table, "denied" if isinstance(error, AccessDenied) else "failed", f"{error.cause}; {error.remedy}")
