"""Questions to every contract, and the page that is made from them."""

from __future__ import annotations

import re

import duckdb
import pytest

from pipelines.contracts import registry, sources
from pipelines.contracts.docs import PAGE, page
from pipelines.contracts.mart import views
from pipelines.contracts.table import Table, conform, empty
from pipelines.errors import UsageError

TABLES = list(registry().values())


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_a_contract_says_what_it_is(table: Table) -> None:
    assert re.fullmatch(r"(raw_servicenow|raw_entra|core|feat|state|out)__[a-z_]+", table.name)
    assert table.grain
    assert table.key
    assert all(f.description and not f.description.endswith(".") for f in table.all_fields)
    assert all(table[c] for c in (*table.key, *table.sort_by))


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_schema_and_ddl_agree_and_every_column_has_a_comment(table: Table) -> None:
    with duckdb.connect() as con:
        for statement in table.ddl("main.made"):
            con.execute(statement)
        con.register("frame", empty(table))
        con.execute("INSERT INTO made BY NAME SELECT * FROM frame")
        columns = con.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'made' ORDER BY column_index"
        ).fetchall()
    assert [c for c, _ in columns] == list(table.columns)
    assert all(comment for _, comment in columns)


def test_a_foreign_or_missing_column_is_an_error_never_dropped() -> None:
    table = registry()["out__coverage"]
    with pytest.raises(UsageError, match="foreign"):
        conform(table, empty(table).append_column("more", [[]]))
    with pytest.raises(UsageError, match="missing"):
        conform(table, empty(table).drop_columns(["reason"]))


def test_a_raw_contract_asks_the_wire_for_its_own_names() -> None:
    assert sources()["sysevent"].wire_columns["instance"] == "instance_uid"


def test_every_view_carries_the_instance() -> None:
    assert all("instance" in {c.name for c in view.columns} for view in views().values())


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
