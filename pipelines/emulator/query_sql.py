"""Encoded queries as SQL over the store: parameters for values, names only from the dictionary."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.emulator import server_script
from pipelines.emulator.clock import WIRE
from pipelines.emulator.encoded_query import Condition, Join, Query, Related, Term, Text
from pipelines.emulator.store import Store

#: Operators that `query_match` covers; every other one, and sorting, needs `query_range` on the column.
MATCHING = frozenset({"=", "!=", "IN", "NOT IN", "SAMEAS", "NSAMEAS", "ANYTHING", "ISEMPTY", "ISNOTEMPTY"})
ME = "90d1921e5f510100a9ad2572f2b477fe"  # the dynamic filter "Me"
_UNITS = {
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "quarter": 7_776_000,
    "year": 31_536_000,
}
_EMPTY = {("=", "NULL"): "ISEMPTY", ("!=", "NULL"): "ISNOTEMPTY"}
_SQL_OPERATORS = {"=": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


@dataclass
class Sql:
    """A fragment with its parameters."""

    text: str
    params: list[Any] = field(default_factory=list)


class Compiler:
    """For one request: knows the time, who asks, and which columns refuse ranges for them."""

    def __init__(
        self,
        store: Store,
        now: datetime,
        user: str,
        *,
        refuses_range: Callable[[str, str], bool] | None = None,
        unknown_gives_nothing: bool = False,
    ) -> None:
        self.store = store
        self.now = now
        self.user = user
        self.refuses_range = refuses_range or (lambda table, column: False)
        self.unknown_gives_nothing = unknown_gives_nothing
        self._aliases = 0

    def where(self, query: Query, table: str, alias: str) -> Sql:
        """The condition of a query, or `1` where nothing of it can be understood."""
        groups = [g for g in (self._group(group, table, alias) for group in query.groups) if g is not None]
        if not groups:
            return Sql("1")
        return _joined(groups, "OR")

    def order(self, query: Query, table: str, alias: str) -> Sql:
        parts, params = [], []
        for path, descending in query.order:
            found = self.path(path, table, alias)
            if found is None or self.refuses_range(table, path):
                continue
            value = self._sortable(found, path, table)
            parts.append(value.text + (" DESC" if descending else ""))
            params += value.params
        return Sql(", ".join(parts), params)

    def path(self, path: str, table: str, alias: str) -> Sql | None:
        """The value of a column or of a dot-walk through references; None where a step is unknown."""
        head, _, rest = path.partition(".")
        schema = self.store.schemas.get(table)
        if schema is None or head not in schema.columns:
            return None
        if not rest:
            return Sql(f'{alias}."{head}"')
        target = schema.reference(head)
        if target is None or target not in self.store.schemas:
            return None
        inner = self._alias()
        following = self.path(rest, target, inner)
        if following is None:
            return None
        return Sql(
            f'coalesce((SELECT {following.text} FROM "{target}" {inner} WHERE {inner}.sys_id = {alias}."{head}" LIMIT 1), \'\')',
            following.params,
        )

    def type_of(self, path: str, table: str) -> str:
        schema = self.store.schemas[table]
        head, _, rest = path.partition(".")
        target = schema.reference(head)
        return self.type_of(rest, target) if rest and target else schema.type_of(head)

    # -- conditions

    def _group(self, group: tuple[tuple[Condition, ...], ...], table: str, alias: str) -> Sql | None:
        parts = []
        for options in group:
            made = [m for m in (self._condition(c, table, alias) for c in options) if m is not None]
            if made:
                parts.append(_joined(made, "OR"))
        return _joined(parts, "AND") if parts else None

    def _condition(self, condition: Condition, table: str, alias: str) -> Sql | None:
        if isinstance(condition, Term):
            made = self._term(condition, table, alias)
            return Sql("0") if made is None and self.unknown_gives_nothing else made
        if isinstance(condition, Related):
            return self._related(condition, alias)
        if isinstance(condition, Join):
            return self._join(condition, table, alias)
        if isinstance(condition, Text):
            return self._text(condition, table, alias)
        return Sql("0") if self.unknown_gives_nothing else None

    def _related(self, condition: Related, alias: str) -> Sql | None:
        schema = self.store.schemas.get(condition.table)
        operator = _SQL_OPERATORS.get(condition.operator)
        if schema is None or condition.field not in schema.columns or operator is None:
            return None
        inner = self._alias()
        where = self.where(condition.query, condition.table, inner)
        seen, seen_params = self.store.visible(condition.table, inner)
        return Sql(
            f'(SELECT count(*) FROM "{condition.table}" {inner} WHERE {inner}."{condition.field}" = {alias}.sys_id AND {where.text} AND {seen}) '
            f"{operator} ?", [*where.params, *seen_params, condition.count],
        )  # fmt: skip

    def _join(self, condition: Join, table: str, alias: str) -> Sql | None:
        schema = self.store.schemas.get(condition.other)
        if (
            schema is None
            or condition.other_column not in schema.columns
            or condition.column not in self.store.schemas[table].columns
        ):
            return None
        inner = self._alias()
        where = self.where(condition.query, condition.other, inner)
        return Sql(
            f'{alias}."{condition.column}" IN (SELECT {inner}."{condition.other_column}" FROM "{condition.other}" {inner} WHERE {where.text})',
            where.params,
        )

    def _text(self, condition: Text, table: str, alias: str) -> Sql:
        columns = [c for c in self.store.schemas[table].columns if not c.startswith("sys_")]
        parts = [f"{alias}.\"{c}\" LIKE ? ESCAPE '\\'" for c in columns]
        return Sql("(" + " OR ".join(parts) + ")", [_contains(condition.words)] * len(parts))

    def _term(self, term: Term, table: str, alias: str) -> Sql | None:
        found = self.path(term.path, table, alias)
        if found is None or (term.operator not in MATCHING and self.refuses_range(table, term.path)):
            return None
        handler = _HANDLERS.get(_EMPTY.get((term.operator, term.value), term.operator))
        if handler is not None:
            return handler(self, term, found, table, alias)
        value = self.value(term)
        if value is None:
            return None
        operator = _SQL_OPERATORS[term.operator]
        if self.type_of(term.path, table) == "integer" and operator not in ("=", "<>"):
            return Sql(f"(CAST({found.text} AS INTEGER) {operator} CAST(? AS INTEGER))", [*found.params, value])
        return Sql(f"({found.text} {operator} ?)", [*found.params, value])

    def value(self, term: Term) -> str | None:
        """The literal of a term, or what its script gives; None where the script is not one of ours."""
        if term.value.lstrip().startswith("javascript:"):
            return server_script.evaluate(term.value, self.now, self.user)
        return term.value

    def _sortable(self, found: Sql, path: str, table: str) -> Sql:
        return Sql(f"CAST({found.text} AS INTEGER)", found.params) if self.type_of(path, table) == "integer" else found

    def _alias(self) -> str:
        self._aliases += 1
        return f"x{self._aliases}"


def _joined(parts: Sequence[Sql], word: str) -> Sql:
    """Parts in a balanced tree: SQLite refuses a chain of more than a thousand."""
    texts = [part.text for part in parts]
    while len(texts) > 1:
        texts = [f"({f' {word} '.join(texts[at : at + 2])})" for at in range(0, len(texts), 2)]
    return Sql(texts[0], [p for part in parts for p in part.params])


Handler = Callable[[Compiler, Term, Sql, str, str], Sql | None]


def _constant(text: str) -> Handler:
    return lambda compiler, term, found, table, alias: Sql(
        text.format(found.text), list(found.params) * text.count("{}")
    )


def _like(pattern: Callable[[str], str], negate: bool = False) -> Handler:
    def make(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
        word, value = "NOT LIKE" if negate else "LIKE", compiler.value(term)
        return None if value is None else Sql(f"({found.text} {word} ? ESCAPE '\\')", [*found.params, pattern(value)])

    return make


def _in(negate: bool) -> Handler:
    def make(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql:
        values = (compiler.value(term) or "").split(",") if "javascript:" in term.value else term.value.split(",")
        word = "NOT IN" if negate else "IN"
        return Sql(f"({found.text} {word} ({', '.join('?' * len(values))}))", [*found.params, *values])

    return make


def _between(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
    low, separator, high = term.value.partition("@")
    bounds = [_side(compiler, side) for side in (low, high)]
    if not separator or None in bounds:
        return None
    if compiler.type_of(term.path, table) == "integer":
        return Sql(
            f"(CAST({found.text} AS INTEGER) BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER))",
            [*found.params, *bounds],
        )
    return Sql(f"({found.text} BETWEEN ? AND ?)", [*found.params, *bounds])


def _on(negate: bool) -> Handler:
    def make(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
        parts = term.value.split("@")
        bounds = [_side(compiler, side) for side in parts[1:3]]
        if len(bounds) != 2 or None in bounds:
            return None
        return Sql(f"({found.text} {'NOT ' if negate else ''}BETWEEN ? AND ?)", [*found.params, *bounds])

    return make


def _side(compiler: Compiler, text: str) -> str | None:
    return server_script.evaluate(text, compiler.now, compiler.user) if "gs." in text else text


def _relative(operator: str) -> Handler:
    def make(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
        parts = term.value.removeprefix("@").split("@")
        if len(parts) != 3 or parts[0] not in _UNITS or not parts[2].isdigit():
            return None
        shift = timedelta(seconds=_UNITS[parts[0]] * int(parts[2]))
        moment = compiler.now - shift if parts[1] == "ago" else compiler.now + shift
        return Sql(
            f"({found.text} <> '' AND {found.text} {operator} ?)", [*found.params, *found.params, moment.strftime(WIRE)]
        )

    return make


def _fields(operator: str) -> Handler:
    def make(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
        other = compiler.path(term.value, table, alias)
        if other is None:
            return None
        return Sql(f"({found.text} {operator} {other.text})", [*found.params, *other.params])

    return make


def _apart(operator: str) -> Handler:
    """`aMORETHANb@hour@after@3`: a lies more than three hours after b."""

    def make(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
        parts = re.split("@", term.value)
        other = compiler.path(parts[0], table, alias) if len(parts) == 4 else None
        if other is None or parts[1] not in _UNITS or not parts[3].isdigit():
            return None
        sign = 1 if parts[2] == "after" else -1
        difference = f"({sign} * (strftime('%s', {found.text}) - strftime('%s', {other.text})))"
        return Sql(f"({difference} {operator} ?)", [*found.params, *other.params, _UNITS[parts[1]] * int(parts[3])])

    return make


def _dynamic(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql | None:
    return Sql(f"({found.text} = ?)", [*found.params, compiler.user]) if term.value == ME else None


def _instance_of(compiler: Compiler, term: Term, found: Sql, table: str, alias: str) -> Sql:
    return Sql(f"({found.text} = ?)", [*found.params, term.value])


def _contains(text: str) -> str:
    return f"%{_literal(text)}%"


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_HANDLERS: dict[str, Handler] = {
    "ISEMPTY": _constant("({} = '')"),
    "EMPTYSTRING": _constant("({} = '')"),
    "ISNOTEMPTY": _constant("({} <> '')"),
    "ANYTHING": lambda compiler, term, found, table, alias: Sql("1"),
    "LIKE": _like(_contains), "CONTAINS": _like(_contains), "*": _like(_contains),
    "NOT LIKE": _like(_contains, True), "DOES NOT CONTAIN": _like(_contains, True), "!*": _like(_contains, True),
    "STARTSWITH": _like(lambda v: _literal(v) + "%"),
    "ENDSWITH": _like(lambda v: "%" + _literal(v)), "%": _like(lambda v: "%" + _literal(v)),
    "IN": _in(False), "NOT IN": _in(True),
    "BETWEEN": _between, "ON": _on(False), "NOTON": _on(True),
    "RELATIVEGT": _relative(">"), "RELATIVELT": _relative("<"), "RELATIVEGE": _relative(">="), "RELATIVELE": _relative("<="),
    "RELATIVEEE": _relative("="),
    "SAMEAS": _fields("="), "NSAMEAS": _fields("<>"), "GT_FIELD": _fields(">"), "LT_FIELD": _fields("<"),
    "GT_OR_EQUALS_FIELD": _fields(">="), "LT_OR_EQUALS_FIELD": _fields("<="),
    "MORETHAN": _apart(">"), "LESSTHAN": _apart("<"),
    "DYNAMIC": _dynamic, "INSTANCEOF": _instance_of,
}  # fmt: skip
