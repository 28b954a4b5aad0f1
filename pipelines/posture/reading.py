"""What a night's snapshot shows of one instance: settings, plugins, rows, and what of them cannot be seen.

All settings are fetched with one query, all plugins with one; a question over tables is one Ibis expression that DuckDB
counts. Nothing here judges: it says what is there, what is not, and which access control would show what is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

import duckdb
import ibis

from pipelines.contracts.counts import QUESTIONS
from pipelines.posture.core import NEVER_EMPTY, TableView
from pipelines.posture.holders import CLOSURES
from pipelines.posture.relations import Find, Reads, Relations, covers

EXAMPLES = 5  # ids that a finding names
SHOWN = 120  # characters of a value
_SECRET = re.compile(r"pass(word|wd|phrase)|secret|credential|token|api_?key|private_?key", re.IGNORECASE)
_MASK = re.compile(r"^[*•]+$")
_PLAIN = re.compile(r"^(true|false|-?\d+(\.\d+)?|)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a question cannot be answered. `is_missing`: the instance has no such table. `acls` would help."""

    reason: str
    acls: tuple[str, ...] = ()
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A property: its distinct values; none and no obstacle: there is no such row."""

    values: tuple[str, ...] = ()
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows answer a question, and the ids of a few, smallest first."""

    count: int
    examples: tuple[str, ...]


class Reading:
    """One instance on one day. `names` are the properties that anybody will ask for."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[str, TableView],
        day: date,
        family: str | None = None,
        names: Iterable[str] = (),
    ) -> None:
        self.con = con
        self.tables = tables
        self.day = day
        self.family = family
        self._names = sorted(set(names))
        self._built: set[int] = set()

    def obstacle(self, reads: Reads) -> Obstacle | None:
        """What keeps a question over these tables and columns from being answered; None: nothing. Worst first."""
        found = [o for table, columns in sorted(reads.items()) if (o := self._table_obstacle(table, columns))]
        if not found:
            return None
        blocked = [o for o in found if not o.is_missing]
        said = blocked or found
        acls = tuple(dict.fromkeys(acl for o in said for acl in o.acls))
        return Obstacle("; ".join(o.reason for o in said), acls, is_missing=not blocked)

    def hidden(self, tables: Iterable[str]) -> Obstacle | None:
        """Rows of these tables that exist and were not shown."""
        partial = [t for t in sorted(tables) if t in self.tables and self.tables[t].state == "partial"]
        if not partial:
            return None
        said = [f"{self.tables[t].hidden_rows or 'some'} rows of {t} are hidden" for t in partial]
        return Obstacle("; ".join(said), tuple(self._acl(t) for t in partial))

    def setting(self, name: str) -> Setting:
        reads = {"sys_properties": frozenset({"name", "value"})}
        if obstacle := self.obstacle(reads):
            return Setting(obstacle=obstacle)
        rows = self._settings.get(name, [])
        if not rows:
            return Setting(obstacle=self.hidden(reads))
        if any(_is_hidden(*row) for row in rows):
            return Setting(
                obstacle=Obstacle(f"the value of {name} is private or masked", ("sys_properties.value: read",))
            )
        return Setting(tuple(sorted({row[0] or "" for row in rows})))

    def plugin(self, plugin: str) -> bool | Obstacle | None:
        """Whether it is active; None: it is not listed."""
        readable = [
            (table, key)
            for table, key in (("v_plugin", "id"), ("sys_plugins", "source"))
            if self.obstacle({table: frozenset({key, "active"})}) is None
        ]
        if not readable:
            return self._plugins_unread
        table, key = readable[0]
        listed = self._plugins(table, key)
        if plugin in listed:
            return listed[plugin]
        return self.hidden([table])

    def count(self, find: Find, reads: Reads) -> Found:
        """Distinct `uid` of what `find` returns. Only what is declared can be read."""
        sql = self.question(find, reads)
        found = self.con.execute(f"SELECT count(*), min(uid, {EXAMPLES}) FROM ({sql})").fetchall()
        count, examples = found[0]
        return Found(count, tuple(examples or ()))

    def question(self, find: Find, reads: Reads) -> str:
        """SQL for the distinct `uid` of what `find` returns; the closures that it may ask for are built."""
        self._build_closures(reads)
        named = tuple((table, self.tables[table].relation, columns) for table, columns in sorted(reads.items()))
        return _compiled(find, named, self.day)

    def answer(self, question: str) -> int | Obstacle:
        """The instance's own count of rows that are not read themselves (`pipelines.contracts.counts`)."""
        reads = {"posture_count": frozenset({"question", "rows"})}
        if obstacle := self.obstacle(reads):
            return Obstacle(obstacle.reason, obstacle.acls)
        if question not in self._answers:
            asked = QUESTIONS.get(question)
            access = asked.access if asked else f"{question}: read"
            return Obstacle(f"the instance did not answer how many rows there are ({question})", (access,))
        return self._answers[question]

    def _build_closures(self, reads: Reads) -> None:
        for number, (needed, build) in enumerate(CLOSURES):
            if number not in self._built and covers(reads, needed):
                build(self.con, {table: self.tables[table].relation for table in needed})
                self._built.add(number)

    @cached_property
    def _settings(self) -> dict[str, list[tuple[str | None, str, str]]]:
        view = self.tables["sys_properties"]
        more = ", ".join(c if c in view.columns else f"'' AS {c}" for c in ("private", "type"))
        rows = self.con.execute(
            f"SELECT trim(name), value, {more} FROM {view.relation} WHERE trim(name) IN (SELECT unnest($names))",
            {"names": self._names},
        ).fetchall()
        found: dict[str, list[tuple[str | None, str, str]]] = {}
        for name, value, private, kind in rows:
            found.setdefault(name, []).append((value, private or "", kind or ""))
        return found

    def _plugins(self, table: str, key: str) -> dict[str, bool]:
        rows = self.con.execute(
            f"SELECT trim({key}), bool_or(lower(trim(active)) IN ('true', 'active', '1')) "
            f"FROM {self.tables[table].relation} WHERE {key} IS NOT NULL GROUP BY 1"
        ).fetchall()
        return dict(rows)

    @property
    def _plugins_unread(self) -> Obstacle:
        found = [
            self.obstacle({"v_plugin": frozenset({"id", "active"})}),
            self.obstacle({"sys_plugins": frozenset({"source", "active"})}),
        ]
        acls = tuple(acl for o in found if o for acl in o.acls)
        return Obstacle("; ".join(o.reason for o in found if o), acls or ("v_plugin: read",))

    @cached_property
    def _answers(self) -> dict[str, int]:
        view = self.tables["posture_count"]
        return dict(
            self.con.execute(f'SELECT question, "rows" FROM {view.relation} WHERE "rows" IS NOT NULL').fetchall()
        )

    def _table_obstacle(self, table: str, columns: frozenset[str]) -> Obstacle | None:
        view = self.tables.get(table)
        if view is None:
            return Obstacle(f"{table} has not been read", (self._acl(table),))
        core = table in NEVER_EMPTY
        unreadable = {
            "denied": Obstacle(f"{table} may not be read", (self._acl(table),)),
            "failed": Obstacle(f"{table} could not be read{f': {view.reason}' if view.reason else ''}"),
            "missing": Obstacle(
                view.reason or f"this instance has no table {table}",
                (self._acl(table),) if core else (),
                is_missing=not core,
            ),
            "empty": Obstacle(f"no row of {table} is shown", (self._acl(table),)) if core else None,
        }.get(view.state)
        if unreadable is not None or view.state == "empty":
            return unreadable
        absent = [f"{table}.{column}" for column in sorted(columns - view.columns)]
        if not absent:
            return None
        return Obstacle(f"{', '.join(absent)} may not be read", tuple(f"{column}: read" for column in absent))

    def _acl(self, table: str) -> str:
        view = self.tables.get(table)
        return (view.acl if view else "") or f"{table}: read"


@lru_cache(maxsize=1024)
def _compiled(find: Find, named: tuple[tuple[str, str, frozenset[str]], ...], day: date) -> str:
    """The question as SQL. Compiling takes longer than most answers: instances and tests that ask the same share it."""
    relations = Relations({table: name for table, name, _ in named}, {table: c for table, _, c in named}, day)
    return str(ibis.to_sql(find(relations).select("uid").distinct(), dialect="duckdb"))


def shown(name: str, value: str) -> str:
    """`value` for a person: bounded, and not at all where the name says that it is a secret."""
    if _SECRET.search(name) and not _PLAIN.match(value.strip()):
        return "(set, not shown)"
    text = value.strip() or "blank"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _is_hidden(value: str | None, private: str, kind: str) -> bool:
    masked = value is None or bool(_MASK.match(value.strip()))
    return masked or private.strip().lower() in {"true", "1"} or kind.strip().lower() in {"password", "password2"}
