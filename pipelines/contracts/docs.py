"""The data dictionary: docs/reference/tables.md, made from the contracts. `--check` fails where the page differs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts import registry
from pipelines.contracts.mart import views
from pipelines.contracts.table import Check, Field, Pii, Table
from pipelines.generated_page import REFERENCE, write_or_check

PAGE = REFERENCE / "tables.md"


def page() -> str:
    """The whole page as Markdown."""
    tables = list(registry().values())
    lines = [
        "# Tables",
        "",
        "Made from `pipelines/contracts/` by `make docs`; do not edit. Instants are UTC. Every table and view carries `instance`.",
        "",
        "## Views of the published warehouse",
        "",
        *(
            line
            for view in views().values()
            for line in (*_head(f"mart.{view.name}", view.title, view.grain), *_fields(view.columns))
        ),
        "## Tables of the lake",
        "",
        *(line for table in tables for line in _table(table)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> Iterator[str]:
    yield from _head(table.name, table.title, table.grain)
    yield f"Key: {', '.join(f'`{k}`' for k in table.key)}. Sorted by {', '.join(f'`{c}`' for c in table.sort_by) or 'nothing'}."
    if table.source is not None:
        held = f", {table.source.history_days} days held by the instance" if table.source.history_days else ""
        yield f"Source: ServiceNow `{table.source.table}`, read as {table.source.mode}{held}."
    yield ""
    yield from _fields(table.all_fields)
    yield f"Checks: {'; '.join(_check(c) for c in table.all_checks())}."
    yield ""


def _head(name: str, title: str, grain: str) -> Iterator[str]:
    yield f"### `{name}`"
    yield ""
    yield f"{title}. Grain: {grain}."
    yield ""


def _fields(fields: Iterable[Field]) -> Iterator[str]:
    yield "| column | type | unit | personal | meaning |"
    yield "| --- | --- | --- | --- | --- |"
    for f in fields:
        personal = "" if f.pii is Pii.NONE else str(f.pii)
        values = f" One of {', '.join(f.one_of)}." if f.one_of else ""
        yield f"| `{f.name}` | {f.duckdb} | {f.unit} | {personal} | {_cell(f.description + '.' + values)} |"
    yield ""


def _check(check: Check) -> str:
    return f"{check.severity} {check.kind}" + (f" `{check.column}`" if check.column else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` compare it; the exit code."""
    return write_or_check(PAGE, page(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
