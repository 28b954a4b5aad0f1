"""What the measurement prints: targets missed, scenes missed, and what went on around false alerts."""

from __future__ import annotations

from bench.detection.judge import Incident
from bench.detection.metrics import Organisation, outcome
from bench.detection.report import false_scenes, figures, missed_scenes, table
from bench.detection.run import TEN, Measured, _lines, summarise
from bench.detection.targets import OTHERS
from tests.alerts.test_detection_bench import DAYS, TRAVEL, alert, incident, organisation

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
    assert any("missed attacks: s 1/2" in line for line in _lines(summarise([Measured(org, org, incidents, {})])))


def test_policies_beyond_the_ten_are_reported_apart_and_counted_in_none_of_the_totals() -> None:
    left = [incident("a"), incident("c", policies=["careless_handling"], users=["u3"], user_names=[]), TRIP]
    raised = [alert(), alert(policy="careless_handling", user="u9")]
    ten, everything = (outcome(1, raised, left, humans=100, days=DAYS, policies=p) for p in (TEN, (*TEN, *OTHERS)))

    report = summarise([Measured(ten, everything, left, {})])

    assert report["figures"]["all"]["alerts"] == {"true": 1, "neutral": 0, "policy_true": 0, "false": 0}
    assert report["figures"]["all"]["attacks"] == 1
    assert report["others"]["careless_handling"]["alerts"]["false"] == 1
    assert report["others_missed"] == [("s", 1, 1)]
    assert report["others_false"] == [("careless_handling", "s", 1)]
