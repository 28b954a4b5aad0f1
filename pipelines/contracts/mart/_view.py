"""What a mart view is: promised columns with their meaning, and a SELECT over tables of the same file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.contracts.table import EVENT_DATE, INSTANCE, Field, Table

__all__ = ["EVENT_DATE", "INSTANCE", "View", "of_table", "unfilled"]


@dataclass(frozen=True)
class View:
    """`mart.<name>`. `sql` gives the columns by name; `reads` lists the lake tables that must be in the file."""

    name: str
    title: str
    grain: str
    columns: tuple[Field, ...]
    sql: str
    reads: tuple[str, ...] = ()

    def ddl(self) -> list[str]:
        """Statements that make the view with its comments; order after the tables'."""
        chosen = ", ".join(f'CAST("{c.name}" AS {c.duckdb}) AS "{c.name}"' for c in self.columns)
        said = [
            f"COMMENT ON VIEW mart.{self.name} IS {_quoted(f'{self.title}. Grain: {self.grain}.')}",
            *(f'COMMENT ON COLUMN mart.{self.name}."{c.name}" IS {_quoted(c.comment)}' for c in self.columns),
        ]
        return [f"CREATE OR REPLACE VIEW mart.{self.name} AS SELECT {chosen} FROM ({self.sql}) AS source", *said]


def of_table(table: Table, *names: str) -> tuple[Field, ...]:
    """Fields of a contract by name, so that a column means in the mart what it means in the lake; none named: all."""
    return tuple(table[name] for name in (names or table.columns))


def unfilled(name: str, title: str, grain: str, columns: Iterable[Field], filled_by: str) -> View:
    """A promised view that nothing fills yet: typed and empty, and its comment says so."""
    fields = tuple(columns)
    nothing = ", ".join(f'NULL::{c.duckdb} AS "{c.name}"' for c in fields)
    return View(name, f"{title}. Empty until {filled_by}", grain, fields, f"SELECT {nothing} WHERE false")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
