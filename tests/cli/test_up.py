"""`nowguard up` prints addresses that open: every notebook it names exists, and carries JupyterLab's token."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.up import NOTEBOOKS, _notebook_address

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_printed_notebook_exists_and_its_address_has_the_token(name: str, tmp_path: Path) -> None:
    log = tmp_path / "jupyter.log"
    log.write_text("Jupyter Server is running at:\n    http://127.0.0.1:8888/lab?token=0a1b2c\n", encoding="utf-8")

    assert (FOLDER / name).is_file()
    assert _notebook_address(log, name) == f"http://127.0.0.1:8888/lab/tree/notebooks/{name}?token=0a1b2c"


def test_without_a_token_the_log_is_named(tmp_path: Path) -> None:
    log = tmp_path / "jupyter.log"
    log.write_text("", encoding="utf-8")

    assert str(log) in _notebook_address(log, NOTEBOOKS[0])
