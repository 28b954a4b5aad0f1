"""What the guides ask of the published file can be asked of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.contracts.mart import views
from pipelines.lake.declared import FRAMES, STORED
from tests.contracts.marts import marts

DOCS = Path(__file__).parents[2] / "docs"
QUERIES = [
    pytest.param(statement, id=f"{page.stem} {nth}")
    for page in sorted(DOCS.rglob("*.md"))
    for nth, statement in enumerate(
        part.strip()
        for block in re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for part in block.split(";")
        if "mart." in part
    )
]


@pytest.mark.parametrize("statement", QUERIES)
def test_a_query_of_the_guides_binds(statement: str) -> None:
    stored = {name: declared for declared, name in STORED.items()} | dict(FRAMES.values())
    named = sorted(set(re.findall(r"mart\.(\w+)", statement)))

    assert set(named) <= views().keys()
    with marts(stored, named) as con:
        con.execute(statement)
