"""Every notebook runs from top to bottom on freshly published data, draws what it promises, and is stored without output."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pipelines.analysis import alerts, open_warehouse
from pipelines.cli.progress import Silent
from pipelines.emulator.organisation import World, generate
from pipelines.emulator.server import start
from pipelines.settings import Settings
from pipelines.steps import run_night
from tests.steps.conftest import END, FOUR, NIGHTS, few_policies, first_night, morning_after, nights, settings_for

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "notebooks"
DRAWS = re.compile(r"plt\.subplots\(|^\w+_plot\(", re.MULTILINE)
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def world() -> World:
    return generate(seed=12, users=60, days=NIGHTS, before=7, end=END)


@pytest.fixture(scope="module")
def data_dir(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two published nights, the second scored by a model that learned the days before it."""
    folder = tmp_path_factory.mktemp("notebooks")
    with start(world, now=morning_after(first_night())) as running:
        policies = few_policies(folder / "few", kept=[*FOUR, "unusual_user_day"])
        settings = settings_for(running, folder, back_fill_days=7, policies_dir=policies)
        for day in nights()[:2]:
            if running.control.now() < morning_after(day):
                running.control.set_now(morning_after(day))
            run_night(settings, day, day, progress=Silent())
            if day == first_night():
                _train(settings, day)
    return folder


def _train(settings: Settings, day: date) -> None:
    """As the weekly DAG does, on fewer days than it asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.steps.train.LEAST_DAYS", 5)
        run_night(settings, day, day, progress=Silent(), steps=("train",))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_without_output(name: str) -> None:
    cells = nbformat.read(FOLDER / name, as_version=4).cells
    assert cells[0].cell_type == "markdown"
    assert not [c for c in cells if c.get("outputs") or c.get("execution_count")]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_on_what_a_night_published(name: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOWGUARD_DATA_DIR", str(data_dir))
    notebook = nbformat.read(FOLDER / name, as_version=4)
    drawn = sum(bool(DRAWS.search(cell.source)) for cell in notebook.cells if cell.cell_type == "code")

    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == drawn
    assert drawn > 0
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_the_triage_notebook_closes_the_alert_it_is_given(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_warehouse(shutil.copytree(data_dir, tmp_path / "data", symlinks=True))
    uid = alerts(warehouse=house)["alert_uid"][-1]
    for name, value in {
        "NOWGUARD_DATA_DIR": house.settings.data_dir,
        "NOTEBOOK_ALERT": uid,
        "NOTEBOOK_CLOSE_REASON": "confirmed_with_user",
    }.items():
        monkeypatch.setenv(name, str(value))
    notebook = nbformat.read(FOLDER / "alert_triage.ipynb", as_version=4)

    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()

    closed = alerts(status="closed", warehouse=house)
    assert closed.select("alert_uid", "close_reason").rows() == [(uid, "confirmed_with_user")]


def test_every_question_has_its_notebook() -> None:
    assert NOTEBOOKS == ["alert_triage.ipynb", "coverage.ipynb", "hunt.ipynb", "model_explanation.ipynb"]
