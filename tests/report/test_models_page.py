"""The page about the models: what it says of a trained one, of none, and of verdicts; hostile text harmless, nothing fetched."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli import model as command
from pipelines.cli.context import Invocation
from pipelines.report import render, render_models
from pipelines.report.models import HIGH, budget_bars, histogram, line, wilson
from tests.analysis.conftest import HOSTILE, STRANGE, judged, make


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    return make(folder, **judged(folder)) / "warehouse" / "nowguard.duckdb"


def changed(trained: Path, folder: Path, *statements: str) -> Path:
    copy = Path(shutil.copy(trained, folder / "nowguard.duckdb"))
    with duckdb.connect(str(copy)) as con:
        for statement in statements:
            con.execute(statement)
    return copy


def page(warehouse: Path, folder: Path) -> str:
    return render_models(warehouse, folder / "models.html").read_text(encoding="utf-8")


def test_a_trained_model_shows_card_scores_effects_stability_drift_and_revisions(trained: Path, tmp_path: Path) -> None:
    said = page(trained, tmp_path)

    for expected in ("Unusual days of people", "model card", "alert budget", "Feature effects", next(iter(STRANGE)).replace("_", " "), "Strangest user-days", "ann",
                     "Precision at budget", "not known", "Population stability index", "champion", "trained on 840 user-days"):  # fmt: skip
        assert expected in said


def test_a_confirmed_alert_makes_the_precision_known_with_its_range(trained: Path, tmp_path: Path) -> None:
    confirmed = (
        "UPDATE wh.alert SET status = 'closed', classification = 'true_positive' WHERE title = 'ann travelled too fast'"
    )

    said = page(changed(trained, tmp_path, confirmed), tmp_path)

    assert "confirmed" in said
    assert "100 %" in said
    assert "21 to 100 %" in said


def test_hostile_names_stay_text_and_nothing_is_fetched(trained: Path, tmp_path: Path) -> None:
    hostile = f"UPDATE wh.model_score SET user_name = '{HOSTILE}', peer_group = '{HOSTILE}'"

    said = page(changed(trained, tmp_path, hostile), tmp_path)

    assert "&lt;img src=x" in said
    assert not re.search(r"<(script|img)", said, re.IGNORECASE)
    assert "\u202e" not in said
    assert "default-src 'none'" in said
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", said)


def test_without_a_model_the_page_says_how_to_train_and_the_run_report_has_no_link(tmp_path: Path) -> None:
    warehouse = make(tmp_path / "untrained") / "warehouse" / "nowguard.duckdb"

    assert "nowguard model train" in page(warehouse, tmp_path)
    assert "models.html" not in render(warehouse, tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert not (tmp_path / "report" / "models.html").exists()


def test_the_run_report_links_to_the_page_beside_it(trained: Path, tmp_path: Path) -> None:
    said = render(trained, tmp_path / "index.html").read_text(encoding="utf-8")

    assert 'href="models.html"' in said
    assert "nowguard models" in (tmp_path / "models.html").read_text(encoding="utf-8")


def test_the_command_writes_the_page_and_says_where_or_what_is_missing(trained: Path, tmp_path: Path) -> None:
    def run(data: Path) -> Result:
        app = typer.Typer()
        app.add_typer(command.app, name="model")

        @app.callback()
        def root(ctx: typer.Context) -> None:
            ctx.obj = Invocation({"data_dir": data, "instance_name": "acme"})

        return CliRunner().invoke(app, ["model", "report", "--to", str(tmp_path / "m.html")])

    done, failed = run(trained.parents[1]), run(tmp_path / "nothing")

    assert done.output.strip() == str(tmp_path / "m.html")
    assert "nowguard models: acme" in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert (failed.exit_code, "nowguard run" in failed.output) == (2, True)


def test_bars_and_lines_stay_within_their_frame() -> None:
    bars = histogram(
        [{"risk_from": 0, "user_days": 999, "alerted": 0}, {"risk_from": 95, "user_days": 4, "alerted": 4}]
    )
    assert len(bars) == 20
    assert bars[0]["h"] == HIGH
    assert bars[19]["inner"] == bars[19]["h"] > 0
    days = [
        {"in_budget_per_1000": 5.0, "middle": 0.0},
        {"in_budget_per_1000": 0.0, "middle": 100.0},
        {"in_budget_per_1000": 0.0, "middle": None},
    ]
    assert [bar["h"] for bar in budget_bars(days)] == [HIGH, 0, 0]
    assert [point.split(",")[1] for point in line(days, "middle").split()] == [f"{HIGH}.0", "0.0"]


def test_the_range_of_a_share_is_wilsons() -> None:
    assert wilson(0, 0) is None
    low, high = wilson(8, 10) or (0, 0)
    assert (round(low, 1), round(high, 1)) == (49.0, 94.3)
