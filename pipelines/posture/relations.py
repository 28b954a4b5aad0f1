"""What a question over tables may ask for: the declared columns of the declared tables, their closures, and the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from pipelines.posture.holders import (
    LINEAGE_TABLES,
    PART_TABLES,
    ROLE_TABLES,
    role_holders,
    role_parts,
    table_lineage,
)

Reads = Mapping[str, frozenset[str]]


class Relations:
    """The declared columns of the declared tables as Ibis tables of text, and the day they show."""

    def __init__(self, relations: Mapping[str, str], reads: Reads, day: date) -> None:
        self._relations = relations
        self._reads = reads
        self.day = day

    def __getitem__(self, table: str) -> ir.Table:
        return ibis.table(dict.fromkeys(sorted(self._reads[table]), "string"), name=self._relations[table])

    @property
    def role_holders(self) -> ir.Table:
        """`user_uid`, `role` (its name), `how` (direct, group, contained): see `pipelines.posture.holders`."""
        self._require(ROLE_TABLES)
        return role_holders()

    @property
    def role_parts(self) -> ir.Table:
        """`role` and each `part` that it is or contains (names), with `role_uid` and `part_uid`."""
        self._require(PART_TABLES)
        return role_parts()

    @property
    def table_lineage(self) -> ir.Table:
        """`table_uid` and the name of each table that it is or extends (`above`)."""
        self._require(LINEAGE_TABLES)
        return table_lineage()

    def days_ago(self, days: int) -> str:
        """The day as the wire writes it; text of that form sorts as time does."""
        return (self.day - timedelta(days=days)).isoformat()

    def _require(self, needed: Reads) -> None:
        if not covers(self._reads, needed):
            raise KeyError(f"a check that asks for this declares {', '.join(sorted(needed))}")


Find = Callable[[Relations], ir.Table]


def covers(reads: Reads, needed: Reads) -> bool:
    """Whether all tables and columns that are needed are among those that are read."""
    return all(columns <= reads.get(table, frozenset()) for table, columns in needed.items())
