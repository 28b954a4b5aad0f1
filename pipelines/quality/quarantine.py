"""Rows that a stop check refused: set aside with the reason, and kept out of what is read downstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Check, CheckKind, Table, conform, empty
from pipelines.quality.suite import EXPECTATION_OF

NAME = "out__quarantine"
LIMIT = 100_000  # rows stored of one table and day: a partition that loses more is halted as a whole

REASONS = {
    CheckKind.NOT_NULL: "{column} is missing",
    CheckKind.ONE_OF: "{column} is none of the known values",
    CheckKind.MATCHES: "{column} does not look as it should",
    CheckKind.BETWEEN: "{column} is out of range",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A stop check and the different judged values that fail it."""

    check: Check
    values: Sequence[object]


def quarantined(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    view: str,
    refused: Sequence[Refused],
    judged: Mapping[str, str],
    *,
    instance: str,
    day: object,
) -> pa.Table:
    """The refused rows of `view` as `out__quarantine` rows; `judged` is the SQL that GX saw of each column."""
    parts = [_rows(con, table, view, one, judged[one.check.column], instance, day) for one in refused if one.values]
    return pa.concat_tables([empty(contract(NAME)), *parts])


def accept(con: duckdb.DuckDBPyConnection, table: Table, view: str, quarantine: str, name: str) -> str:
    """Make `name` a view of `view` less the rows that the view `quarantine` (any days and tables) holds."""
    uid = _uid(table)
    con.execute(
        f'CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM "{view}" WHERE {uid} IS NOT NULL AND {uid} NOT IN '
        f"""(SELECT source_uid FROM "{quarantine}" WHERE "table" = '{table.name}' AND source_uid IS NOT NULL)"""
    )
    return name


def _rows(
    con: duckdb.DuckDBPyConnection, table: Table, view: str, refused: Refused, judged: str, instance: str, day: object
) -> pa.Table:
    check = refused.check
    wanted = pa.table({"v": pa.array(refused.values, from_pandas=True)})
    con.register("refused_values", wanted)
    try:
        found = con.sql(
            f"""
            SELECT DISTINCT ?::VARCHAR AS instance, ?::DATE AS event_date, ? AS "table", {_uid(table)} AS source_uid,
                   md5(to_json(w)) AS row_hash, ? AS expectation, ? AS "column", ? AS reason, to_json(w)::VARCHAR AS "row"
            FROM "{view}" AS w
            WHERE EXISTS (SELECT 1 FROM refused_values r WHERE r.v IS NOT DISTINCT FROM ({judged}))
            ORDER BY source_uid, row_hash LIMIT {LIMIT}
            """,
            params=[instance, day, table.name, EXPECTATION_OF[check.kind], check.column,
                    REASONS[check.kind].format(column=check.column)],
        ).to_arrow_table()  # fmt: skip
    finally:
        con.unregister("refused_values")
    return conform(contract(NAME), found)


def _uid(table: Table) -> str:
    """The key as one text; null where any part of it is missing."""
    parts = [f"nullif(CAST(\"{c}\" AS VARCHAR), '')" for c in table.key]
    return " || '|' || ".join(parts) if parts else "NULL"
