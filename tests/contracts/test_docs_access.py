"""The page of the least-privilege account says what is read, and nothing else."""

from __future__ import annotations

from pipelines.contracts import all_sources
from pipelines.contracts.docs_access import PAGE, page, rights


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_table_and_column_that_is_asked_for_is_on_the_page() -> None:
    text = page()

    for name, table in all_sources().items():
        assert f"| `{name}` |" in text
        assert all(f"`{column}`" in text for column in table.wire_columns)


def test_rights_name_each_table_once() -> None:
    named = [right.table for right in rights()]

    assert named == sorted(set(named))
