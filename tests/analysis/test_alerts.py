"""The queue, one alert in depth and decisions, as a notebook asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.analysis import (
    Warehouse,
    acknowledge,
    alerts,
    behaviors,
    close,
    close_reasons,
    explain,
    open_warehouse,
    shown_table,
    timeline,
)  # fmt: skip
from pipelines.analysis.people import LANES
from pipelines.contracts.core._activity_names import ACTIVITY_NAMES
from pipelines.errors import UsageError
from tests.analysis.conftest import STRANGE


def named(frame: pl.DataFrame) -> list[str]:
    return frame["actor_user_name"].to_list()


def test_the_queue_has_the_most_pressing_alert_first_and_narrows(house: Warehouse) -> None:
    assert named(alerts(warehouse=house)) == ["bea", "ann", "ann"]
    assert named(alerts(severity="high", warehouse=house)) == ["bea"]
    assert alerts(user="u1", policy="risky_ip_logon", warehouse=house).height == 1
    assert behaviors(warehouse=house)["suppressed_by"].to_list() == ["user: usual_way_out"]


def test_an_alert_is_explained_with_evidence_rarity_parts_and_attributions(house: Warehouse) -> None:
    found = explain(alerts(user="ann", policy="impossible_travel", warehouse=house), warehouse=house)

    assert found.words.title == "ann travelled too fast"
    assert found.evidence["source_uid"].to_list() == ["e1"]
    assert found.rarity["answer"].to_list() == [True, True, None, False]
    assert found.risk_parts["part"].to_list() == ["prior", "first_for_user", "confidence"]
    assert dict(found.priority_parts.iter_rows()) == {"severity": 25.0, "user_impact": 15.0}
    assert set(found.attributions["feature"].head(3)) == set(STRANGE)
    assert set(found.similar["like"]) == {"same person", "same policy"}


def test_an_alert_is_named_by_uid_row_or_frame(house: Warehouse) -> None:
    queue = alerts(warehouse=house)
    uid = queue["alert_uid"][0]

    assert {explain(like, warehouse=house).uid for like in (uid[:6], queue.row(0, named=True), queue.head(1))} == {uid}


def test_closing_takes_it_off_the_queue_and_acknowledging_puts_it_back(own_house: Warehouse) -> None:
    uid = alerts(warehouse=own_house)["alert_uid"][0]

    decision = close(uid, "confirmed_with_user", comment="trip", by="bo", warehouse=own_house)

    assert decision.classification == "benign"
    assert uid not in alerts(warehouse=own_house)["alert_uid"]
    assert "bo: closed, benign, confirmed_with_user, trip" in explain(uid, warehouse=own_house).words.triage[-1]
    acknowledge(uid, by="bo", warehouse=own_house)
    assert uid in alerts(status="acknowledged", warehouse=own_house)["alert_uid"]


def test_every_reason_closes_with_the_classification_it_names(own_house: Warehouse) -> None:
    uid = alerts(warehouse=own_house)["alert_uid"][0]
    for classification, reason, ambiguous in close_reasons().iter_rows():
        said = classification if ambiguous else None
        assert close(uid, reason, classification=said, warehouse=own_house).classification == classification


@pytest.mark.parametrize(
    ("ask", "cause", "remedy"),
    [
        (lambda h: close(alerts(warehouse=h).head(1), "nonsense", warehouse=h), "no reason to close", "confirmed_with_user"),
        (lambda h: close(alerts(warehouse=h).head(1), "other", warehouse=h), "can mean benign or false_positive", "classification="),
        (lambda h: explain(alerts(warehouse=h), warehouse=h), "has 3 alerts", "head\\(1\\)"),
        (lambda h: explain("ffffffff", warehouse=h), "no alert has", "alerts list"),
        (lambda h: timeline("nobody", warehouse=h), "no account", "mart.users"),
        (lambda h: timeline(warehouse=h), "no user is named", "around="),
        (lambda h: h.ask("FROM mart.nonsense"), "lacks what was asked", "nowguard rebuild"),
        (lambda h: open_warehouse(h.settings.data_dir / "empty"), "nothing is published", "make demo"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained_with_its_remedy(
    house: Warehouse, ask: Callable[[Warehouse], object], cause: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=cause) as caught:
        ask(house)
    assert re.search(remedy, caught.value.remedy)


def test_the_timeline_marks_what_an_alert_rests_on(house: Warehouse) -> None:
    found = explain(alerts(user="ann", policy="impossible_travel", warehouse=house), warehouse=house)

    rows = timeline(around=found.alert, warehouse=house)

    assert rows["time"].is_sorted()
    assert rows.filter(pl.col("alert_uids").list.contains(found.uid))["activity_name"].to_list() == ["login"]
    assert set(rows["place"]) == {"SE Stockholm", "BR"}
    assert rows.height == timeline("u1", warehouse=house).height
    assert timeline("bea", warehouse=house)["lane"].to_list() == ["administration"]


def test_every_verb_has_one_lane() -> None:
    verbs = [verb for lane in LANES.values() for verb in lane]
    assert sorted(verbs) == sorted(ACTIVITY_NAMES)


def test_the_file_is_only_read_and_reaches_no_other_file(house: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(duckdb.Error, match="read-only"):
        house.ask("DELETE FROM wh.alert")
    with pytest.raises(duckdb.Error, match="disabled"):
        house.ask(f"FROM read_csv('{tmp_path / 'secret.csv'}')")


def test_a_folder_above_is_found(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(published)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("NOWGUARD_DATA_DIR", raising=False)

    assert alerts().height == 3


def test_hostile_text_stays_text_on_a_notebooks_page(house: Warehouse) -> None:
    frame = alerts(policy="risky_ip_logon", warehouse=house)

    for page in (
        explain(frame, warehouse=house)._repr_html_(),
        shown_table(frame.select("title"), "<b>")._repr_html_(),
    ):
        assert "<img" not in page
        assert "<b>" not in page
        assert "\u202e" not in page
        assert "&lt;img src=x" in page
