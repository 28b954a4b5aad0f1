"""`nowguard export`: any published view for other tools, as CSV, JSON lines or OCSF events."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.context import day_of, explained, settings_of
from pipelines.cli.published import FORMULA_STARTS, open_published, write_whole
from pipelines.errors import UsageError, misnamed

if TYPE_CHECKING:
    import duckdb

FORMATS = ("ocsf", "csv", "jsonl")
FINDINGS = ("alerts", "behaviors", "posture")  # views that have a finding class of OCSF
ROWS = 10_000  # rows held at a time


def register(app: typer.Typer) -> None:
    app.command("export")(export)


@explained
def export(
    ctx: typer.Context,
    table: Annotated[str, typer.Option("--table", help="A view of schema mart, e.g. alerts, activities, posture.")],
    format_: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "jsonl",
    first: Annotated[str | None, typer.Option("--from", help="First UTC day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last UTC day, YYYY-MM-DD.")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="File to write (default: standard output).")] = None,
) -> None:
    """Write a published view row by row: CSV that no spreadsheet runs, JSON lines, or OCSF 1.8.0 findings, one a line.

    Alerts and behaviors become Detection Findings, posture becomes Compliance Findings. Memory does not grow with the rows.
    """
    name = table.removeprefix("mart.")
    with open_published(settings_of(ctx)) as con:
        columns = _columns(con, name)
        source, parameters = _rows_of(name, columns, first, last)
        lines = _lines(con, name, format_, columns, source, parameters)
        write_whole(lambda file: file.writelines(f"{line}\n" for line in lines), to)


def _columns(con: duckdb.DuckDBPyConnection, view: str) -> dict[str, str]:
    """Column -> type of a published view."""
    query = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'mart' ORDER BY ordinal_position"
    found: dict[str, dict[str, str]] = {}
    for name, column, dtype in con.execute(query).fetchall():
        found.setdefault(name, {})[column] = dtype
    if view not in found:
        raise misnamed("view", view, sorted(found))
    return found[view]


def _rows_of(view: str, columns: Mapping[str, str], first: str | None, last: str | None) -> tuple[str, list[object]]:
    """FROM clause and its parameters. The view's name is one of the catalogue's own."""
    days = [(sign, day_of(day)) for sign, day in ((">=", first), ("<=", last)) if day]
    if days and "event_date" not in columns:
        raise UsageError(f"mart.{view} has no days", remedy="leave out --from and --to")
    where = " AND ".join(f"event_date {sign} ?" for sign, _ in days)
    return f'FROM mart."{view}"' + (f" WHERE {where}" if where else ""), [day for _, day in days]


def _lines(
    con: duckdb.DuckDBPyConnection,
    view: str,
    format_: str,
    columns: Mapping[str, str],
    source: str,
    parameters: list[object],
) -> Iterator[str]:
    if format_ not in FORMATS:
        raise misnamed("format", format_, FORMATS)
    if format_ == "csv":
        return _csv(con, columns, source, parameters)
    if format_ == "jsonl":
        return _texts(con, f"SELECT to_json(t)::VARCHAR FROM (SELECT * {source}) AS t", parameters)
    return _findings(con, view, source, parameters)


def _texts(con: duckdb.DuckDBPyConnection, query: str, parameters: list[object]) -> Iterator[str]:
    cursor = con.execute(query, parameters)
    while rows := cursor.fetchmany(ROWS):
        yield from (row[0] for row in rows)


def _csv(
    con: duckdb.DuckDBPyConnection, columns: Mapping[str, str], source: str, parameters: list[object]
) -> Iterator[str]:
    """RFC 4180 lines made by DuckDB; a text that a spreadsheet would run as a formula gets an apostrophe in front."""
    yield ",".join(columns)
    cells = [_cell(f'"{column}"', dtype) for column, dtype in columns.items()]
    yield from _texts(con, f"SELECT concat_ws(',', {', '.join(cells)}) {source}", parameters)


def _cell(column: str, dtype: str) -> str:
    if dtype == "VARCHAR[]":
        column, dtype = f"array_to_string({column}, '; ')", "VARCHAR"
    if dtype != "VARCHAR":
        return f"coalesce(CAST({column} AS VARCHAR), '')"
    guarded = f"CASE WHEN contains('{FORMULA_STARTS}', left({column}, 1)) AND {column} <> '' THEN '''' || {column} ELSE {column} END"
    return f"""coalesce('"' || replace({guarded}, '"', '""') || '"', '')"""


def _findings(con: duckdb.DuckDBPyConnection, view: str, source: str, parameters: list[object]) -> Iterator[str]:
    from importlib.metadata import version

    told = _finding_of(view)
    cursor = con.execute(f"SELECT * {source}", parameters)
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(ROWS):
        for row in rows:
            yield jsonlib.dumps(told(dict(zip(names, row, strict=True)), version("nowguard")), default=str)


def _finding_of(view: str) -> Callable[[Mapping[str, Any], str], dict[str, Any]]:
    if view not in FINDINGS:
        raise UsageError(
            f"mart.{view} has no class of OCSF findings",
            remedy=f"use csv or jsonl, or one of {', '.join(FINDINGS)}"
            + ("; its columns class_uid and activity_id are OCSF's" if view == "activities" else ""),
        )
    if view == "posture":
        from pipelines.posture.ocsf import compliance_finding

        return compliance_finding
    from pipelines.alerts.ocsf import detection_finding

    return detection_finding
