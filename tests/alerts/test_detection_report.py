"""What the measurement prints: targets missed, scenes missed, and what went on around false alerts."""

from __future__ import annotations

from bench.detection.judge import Incident
from bench.detection.metrics import Organisation
from bench.detection.report import false_scenes, figures, missed_scenes, table
from bench.detection.run import _lines, summarise
from tests.alerts.test_detection_bench import TRAVEL, alert, incident, organisation

TRIP = incident("trip", kind="benign", policies=[], users=["u9"], user_names=[])


def measured() -> tuple[Organisation, list[Incident]]:
    """One attack found, one missed, one false alert about a traveller."""
    incidents = [incident("a"), incident("b", users=["u2"], user_names=[]), TRIP]
    return organisation([alert(), alert(user="u9")], *incidents), incidents


def test_a_missed_target_is_named_with_its_figure() -> None:
    org, _ = measured()

    misses = figures([org], [TRAVEL])[TRAVEL]["misses_target"]

    assert "precision 0.50 < 0.80" in misses
    assert "recall 0.50 < 0.95" in misses
    assert "1.00 false alerts > 0.50" in misses


def test_missed_scenes_and_the_circumstances_of_false_alerts_are_counted() -> None:
    org, incidents = measured()

    assert missed_scenes([org]) == [("s", 1, 2)]
    assert false_scenes([(org, incidents)]) == [(TRAVEL, "s", 1)]
    assert false_scenes([(org, [])]) == [(TRAVEL, "ordinary life", 1)]


def test_recall_is_told_by_difficulty() -> None:
    org, _ = measured()

    assert figures([org], [TRAVEL])[TRAVEL]["recall_by_difficulty"]["easy"] == {"found": 1, "of": 2}


def test_the_table_has_a_line_for_every_policy_and_one_for_all() -> None:
    org, incidents = measured()

    assert [line.split()[0] for line in table(figures([org], [TRAVEL]))] == ["policy", TRAVEL, "all"]
    assert any("missed attacks: s 1/2" in line for line in _lines(summarise([(org, incidents, {})])))
