"""The page about the population lists every parameter and every scene as they are."""

from __future__ import annotations

from pathlib import Path

from pipelines.emulator.organisation.population import parameter_table
from pipelines.emulator.organisation.scenarios import scene_table

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "population.md"
REMEDY = "paste the output of the command at the top of the table into the page"


def test_the_page_lists_every_parameter_with_its_default_meaning_and_source() -> None:
    assert parameter_table() in PAGE.read_text(encoding="utf-8"), REMEDY


def test_the_page_lists_every_scene() -> None:
    assert scene_table() in PAGE.read_text(encoding="utf-8"), REMEDY
