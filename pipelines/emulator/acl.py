"""Who may see what: tables denied quietly or aloud, rows and columns hidden, ranges refused. Set by tests and `--info` users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Readable by any account that may use the API at all.
PUBLIC = frozenset({"cmn_department", "core_company", "cmn_location", "sys_choice"})


@dataclass
class Acl:
    """Rules for every account that is not in `unrestricted`; an account without a role sees public tables only."""

    unrestricted: set[str] = field(default_factory=set)  # user names, lower case
    readers: set[str] = field(default_factory=set)  # may read everything that no rule below takes away
    denied: dict[str, Literal["empty", "forbidden"]] = field(default_factory=dict)
    hidden_rows: dict[str, str] = field(default_factory=dict)  # table -> encoded query of the rows that are hidden
    hidden_columns: dict[str, set[str]] = field(default_factory=dict)
    no_ranges: dict[str, set[str]] = field(default_factory=dict)
    #: user name, lower case -> table -> columns that its role's read rules open; nothing else is open to it
    granted: dict[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    read_only: bool = True  # readers may not write

    def is_free(self, user: str) -> bool:
        return user.lower() in self.unrestricted

    def refusal(self, user: str, table: str) -> str | None:
        """`empty` or `forbidden` where the table may not be read."""
        if self.is_free(user):
            return None
        if table in self.denied:
            return self.denied[table]
        is_open = user.lower() in self.readers or table in PUBLIC or table in self.granted.get(user.lower(), ())
        return None if is_open else "empty"

    def hides(self, user: str, table: str, column: str) -> bool:
        if self.is_free(user):
            return False
        rules = self.granted.get(user.lower())
        if rules is not None and column not in rules.get(table, ()) and table not in PUBLIC:
            return True
        return column in self.hidden_columns.get(table, ())

    def refuses_range(self, user: str, table: str, column: str) -> bool:
        return not self.is_free(user) and column in self.no_ranges.get(table, ())

    def row_rule(self, user: str, table: str) -> str:
        return "" if self.is_free(user) else self.hidden_rows.get(table, "")

    def may_write(self, user: str) -> bool:
        return self.is_free(user) or (user.lower() in self.readers and not self.read_only)
