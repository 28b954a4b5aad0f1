"""Encoded queries as values: the grammar of servicenow-api.md 2.3, nothing of SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Longest first, so that `>=` is not read as `>` and `NOT LIKE` not as `NOT`.
OPERATORS = (
    "DOES NOT CONTAIN", "GT_OR_EQUALS_FIELD", "LT_OR_EQUALS_FIELD", "EMPTYSTRING", "ISNOTEMPTY", "RELATIVEGT", "RELATIVELT", "RELATIVEGE",
    "RELATIVELE", "RELATIVEEE", "STARTSWITH", "INSTANCEOF", "NOT LIKE", "ENDSWITH", "MORETHAN", "LESSTHAN", "CONTAINS", "ANYTHING",
    "GT_FIELD", "LT_FIELD", "NSAMEAS", "DYNAMIC", "BETWEEN", "ISEMPTY", "NOT IN", "SAMEAS", "NOTON", "LIKE", "!=", ">=", "<=", "!*", "IN",
    "ON", "=", ">", "<", "*", "%",
)  # fmt: skip
#: Parts that shape a chart or a list elsewhere and mean nothing to the Table API.
IGNORED = ("GROUPBY", "TRENDBY")
_TERM = re.compile(r"^([a-z_][a-z0-9_.]*?)(" + "|".join(re.escape(op) for op in OPERATORS) + r")(.*)$", re.DOTALL)
_RELATED = re.compile(r"^RLQUERY([a-z0-9_]+)\.([a-z0-9_]+),([<>!=]+)(\d+)(,m2m)?$")
_JOIN = re.compile(r"^JOIN([a-z0-9_]+)\.([a-z0-9_]+)=([a-z0-9_]+)\.([a-z0-9_]+)(?:!(.*))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    path: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Related:
    """RLQUERY: how many rows of `table` point here by `field`, compared with a number."""

    table: str
    field: str
    operator: str
    count: int
    query: Query


@dataclass(frozen=True, slots=True)
class Join:
    """JOIN a.x=b.y!query: rows whose `column` stands in `other_column` of the matching rows of `other`."""

    column: str
    other: str
    other_column: str
    query: Query


@dataclass(frozen=True, slots=True)
class Text:
    """123TEXTQUERY321: any text column contains the words."""

    words: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A part that is no condition at all; dropped like one on an unknown column."""

    text: str


Condition = Term | Related | Join | Text | Unknown


@dataclass(frozen=True, slots=True)
class Query:
    """`groups` are joined by OR (^NQ); in a group, lists of alternatives (^OR) are joined by AND."""

    groups: tuple[tuple[tuple[Condition, ...], ...], ...]
    order: tuple[tuple[str, bool], ...] = ()  # path, descending


def parse(text: str) -> Query:
    """Never fails: what cannot be understood becomes `Unknown`."""
    groups: list[list[list[Condition]]] = [[]]
    order: list[tuple[str, bool]] = []
    tokens = _split(text)
    while tokens:
        token = tokens.pop(0)
        if token in ("", "EQ") or token.startswith(IGNORED):
            continue
        if token.startswith("ORDERBY"):
            descending = token.startswith("ORDERBYDESC")
            order.append((token.removeprefix("ORDERBYDESC" if descending else "ORDERBY"), descending))
        elif token.startswith("NQ"):
            groups.append([])
            if token[2:]:
                tokens.insert(0, token[2:])
        elif token.startswith("OR") and groups[-1]:
            groups[-1][-1].append(_condition(token[2:], tokens))
        else:
            groups[-1].append([_condition(token, tokens)])
    return Query(tuple(tuple(tuple(options) for options in group) for group in groups if group), tuple(order))


def _split(text: str) -> list[str]:
    """Parts between single `^`; a doubled one stands for itself."""
    return [part.replace("\0", "^") for part in text.replace("^^", "\0").split("^")]


def _condition(token: str, following: list[str]) -> Condition:
    if token.startswith("RLQUERY"):
        return _related(token, following)
    if token.startswith("JOIN"):
        return _join(token, following)
    if token.startswith("123TEXTQUERY321="):
        return Text(token.removeprefix("123TEXTQUERY321="))
    found = _TERM.match(token)
    return Term(found[1], found[2], found[3]) if found else Unknown(token)


def _related(token: str, following: list[str]) -> Condition:
    inner: list[str] = []
    while following:
        part = following.pop(0)
        if part == "ENDRLQUERY":
            break
        inner.append(part)
    found = _RELATED.match(token)
    if found is None:
        return Unknown(token)
    return Related(found[1], found[2], found[3], int(found[4]), parse("^".join(inner)))


def _join(token: str, following: list[str]) -> Condition:
    """The rest of the query belongs to the joined table: the official client ends there."""
    whole = "^".join([token, *following])
    following.clear()
    found = _JOIN.match(whole)
    if found is None:
        return Unknown(whole)
    return Join(found[2], found[3], found[4], parse(found[5] or ""))
