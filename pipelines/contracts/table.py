"""What a table is: one declaration that the Parquet schema, the DDL, the GX suite and the docs page are derived from.

A contract says the grain, the key, the partition, each field with its meaning, unit, source column and PII class, and
the checks. Nothing about a table is written down a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import pyarrow as pa

from pipelines.errors import UsageError

#: Rows of a Parquet row group, DuckDB's own number: a whole one becomes a group of the warehouse's table, side by side with
#: others and without a copy.
ROW_GROUP = 122_880


class Dtype(StrEnum):
    """The few types that Parquet, DuckDB, Spark and a BI tool agree on. A TIMESTAMP means UTC (decision 0003)."""

    STRING = "string"
    INT64 = "int64"
    FLOAT64 = "float64"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    DATE = "date"
    STRINGS = "strings"  # list of strings


_ARROW: dict[Dtype, pa.DataType] = {
    Dtype.STRING: pa.string(),
    Dtype.INT64: pa.int64(),
    Dtype.FLOAT64: pa.float64(),
    Dtype.BOOL: pa.bool_(),
    Dtype.TIMESTAMP: pa.timestamp("us"),
    Dtype.DATE: pa.date32(),
    Dtype.STRINGS: pa.list_(pa.string()),
}
_DUCKDB: dict[Dtype, str] = {
    Dtype.STRING: "VARCHAR",
    Dtype.INT64: "BIGINT",
    Dtype.FLOAT64: "DOUBLE",
    Dtype.BOOL: "BOOLEAN",
    Dtype.TIMESTAMP: "TIMESTAMP",
    Dtype.DATE: "DATE",
    Dtype.STRINGS: "VARCHAR[]",
}
_IBIS: dict[Dtype, str] = {
    Dtype.STRING: "string",
    Dtype.INT64: "int64",
    Dtype.FLOAT64: "float64",
    Dtype.BOOL: "boolean",
    Dtype.TIMESTAMP: "timestamp(6)",
    Dtype.DATE: "date",
    Dtype.STRINGS: "array<string>",
}


class Pii(StrEnum):
    """How a column relates to a person; decides what may be shown as an example in a message."""

    NONE = "none"
    PSEUDONYM = "pseudonym"  # a sys_id: names a person only with the user table at hand
    IDENTIFIER = "identifier"  # user name, mail address, IP address
    CONTENT = "content"  # free text or a value that may hold anything


Severity = Literal["stop", "warn"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `required` means never null and is a `stop` check; `one_of` and `pattern` are `warn` checks."""

    name: str
    dtype: Dtype
    description: str
    required: bool = False
    unit: str = ""
    source: str = ""  # the column at the source, where it has another name or a derivation
    pii: Pii = Pii.NONE
    one_of: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def arrow(self) -> pa.Field:
        return pa.field(self.name, _ARROW[self.dtype], nullable=True)

    @property
    def duckdb(self) -> str:
        return _DUCKDB[self.dtype]

    @property
    def ibis(self) -> str:
        return _IBIS[self.dtype]

    @property
    def comment(self) -> str:
        """The sentence that a BI tool shows for the column."""
        return self.description + (f" [{self.unit}]" if self.unit else "")


class CheckKind(StrEnum):
    NOT_NULL = "not_null"
    ONE_OF = "one_of"
    MATCHES = "matches"
    BETWEEN = "between"
    UNIQUE_KEY = "unique_key"
    ROWS_LIKE_HISTORY = "rows_like_history"
    NULLS_LIKE_HISTORY = "nulls_like_history"
    TIME_IN_PARTITION = "time_in_partition"


#: Evaluated by GX on bounded frames; the others are counted in DuckDB over the partition and judged by GX as metrics.
ROW_CHECKS = frozenset({CheckKind.NOT_NULL, CheckKind.ONE_OF, CheckKind.MATCHES, CheckKind.BETWEEN})


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation. `stop` halts the partition's publish, `warn` tells a person."""

    kind: CheckKind
    severity: Severity
    column: str = ""
    values: tuple[str, ...] = ()
    pattern: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def is_row_check(self) -> bool:
        return self.kind in ROW_CHECKS


def warn(kind: CheckKind, column: str = "", **params: object) -> Check:
    return Check(kind, "warn", column, **params)  # type: ignore[arg-type]  # the dataclass checks its own names


def stop(kind: CheckKind, column: str = "", **params: object) -> Check:
    return Check(kind, "stop", column, **params)  # type: ignore[arg-type]  # the dataclass checks its own names


@dataclass(frozen=True, slots=True)
class Source:
    """Where a raw table is read from.

    `append`: rows are only added, read by keyset on (`sys_created_on`, `sys_id`) in closed windows.
    `snapshot`: read whole, ordered by `sys_id`, and filed under the last day of the run.
    `history_days` is what the instance still holds at first contact where it rotates the table; None: no rotation.
    `fallback_for` names the table that this one stands in for where that one cannot be read.
    `purpose`: a table that only posture asks for is read by its step, not by the nightly extraction of activity.
    """

    table: str
    mode: Literal["append", "snapshot"]
    history_days: int | None = None
    query: str = ""  # a constant encoded query that narrows what is read
    optional: bool = False  # its absence degrades, it does not blind
    fallback_for: str = ""
    purpose: Literal["activity", "posture"] = "activity"


INSTANCE = Field("instance", Dtype.STRING, "Short name of the ServiceNow instance", required=True)
EVENT_DATE = Field("event_date", Dtype.DATE, "UTC day of the partition", required=True)


@dataclass(frozen=True)
class Table:
    """One table of the lake. Every table is partitioned by (`instance`, `event_date`) and carries both columns."""

    name: str
    title: str
    grain: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    sort_by: tuple[str, ...] = ()
    time_column: str = ""  # the column whose UTC day is `event_date`; empty for a snapshot
    checks: tuple[Check, ...] = ()
    source: Source | None = None
    all_fields: tuple[Field, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "all_fields", (INSTANCE, EVENT_DATE, *self.fields))
        names = [f.name for f in self.all_fields]
        if doubled := {n for n in names if names.count(n) > 1}:
            raise UsageError(f"contract {self.name} declares {sorted(doubled)} twice", remedy="keep one of them")
        if missing := {*self.key, *self.sort_by, *([self.time_column] if self.time_column else [])} - set(names):
            raise UsageError(f"contract {self.name} names unknown columns {sorted(missing)}", remedy="declare them")

    @property
    def layer(self) -> str:
        """`raw`, `core`, `feat`, `state` or `out`: the first part of the name."""
        return self.name.split("_", 1)[0]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.all_fields)

    @property
    def casts(self) -> str:
        """The columns of a SELECT that gives exactly these columns in exactly these types."""
        return ", ".join(f'CAST("{f.name}" AS {f.duckdb}) AS "{f.name}"' for f in self.all_fields)

    def __getitem__(self, column: str) -> Field:
        for candidate in self.all_fields:
            if candidate.name == column:
                return candidate
        raise KeyError(f"{self.name} has no column {column}")

    @property
    def wire_columns(self) -> dict[str, str]:
        """Of a raw table: column at the source -> our column. What the client asks for in `sysparm_fields`."""
        ours = {"instance", "event_date", "observed_at"}
        return {f.source or f.name: f.name for f in self.all_fields if f.name not in ours}

    def arrow_schema(self) -> pa.Schema:
        return pa.schema([f.arrow for f in self.all_fields])

    def ibis_schema(self) -> dict[str, str]:
        return {f.name: f.ibis for f in self.all_fields}

    def ddl(self, qualified_name: str) -> list[str]:
        """`CREATE TABLE` and one `COMMENT ON` for the table and each column, for DuckDB."""
        body = ", ".join(f'"{f.name}" {f.duckdb}' for f in self.all_fields)
        comments = [f"COMMENT ON TABLE {qualified_name} IS {_quoted(f'{self.title}. Grain: {self.grain}.')}"]
        comments += [f'COMMENT ON COLUMN {qualified_name}."{f.name}" IS {_quoted(f.comment)}' for f in self.all_fields]
        return [f"CREATE TABLE IF NOT EXISTS {qualified_name} ({body})", *comments]

    def all_checks(self) -> tuple[Check, ...]:
        """Those that the fields imply, then the key's, then the declared ones."""
        implied: list[Check] = []
        for f in self.all_fields:
            if f.required:
                implied.append(Check(CheckKind.NOT_NULL, "stop", f.name))
            if f.one_of:
                implied.append(Check(CheckKind.ONE_OF, "warn", f.name, values=f.one_of))
            if f.pattern:
                implied.append(Check(CheckKind.MATCHES, "warn", f.name, pattern=f.pattern))
        if self.key:
            implied.append(Check(CheckKind.UNIQUE_KEY, "stop"))
        return (*implied, *self.checks)


def _quoted(text: str) -> str:
    """A SQL string literal. Contract text is ours, never data."""
    return "'" + text.replace("'", "''") + "'"


def empty(table: Table) -> pa.Table:
    """No rows, all columns: what a reader gets where nothing has been published yet."""
    return table.arrow_schema().empty_table()


def conform(table: Table, data: pa.Table) -> pa.Table:
    """`data` with exactly the contract's columns, order and types. A missing or foreign column is an error."""
    foreign = set(data.column_names) - set(table.columns)
    absent = set(table.columns) - set(data.column_names)
    if foreign or absent:
        raise UsageError(
            f"{table.name}: columns differ from the contract (missing {sorted(absent)}, foreign {sorted(foreign)})",
            remedy="change the contract or the code that fills it, together",
        )
    return data.select(list(table.columns)).cast(table.arrow_schema())


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    return {table.name: table for table in tables}
