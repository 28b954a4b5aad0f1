"""Alert figures draw what the frames say, also for hostile names and empty frames."""

from __future__ import annotations

import warnings
from datetime import date

import polars as pl
import pytest

from pipelines.analysis import Warehouse, alerts, explain, timeline, user_risk
from pipelines.analysis.plots import parts_plot, queue_plot, timeline_plot, user_risk_plot
from pipelines.analysis.plots.canvas import Drawn

PNG = b"\x89PNG"


def png(drawn: Drawn) -> bytes:
    """Drawn to the end, with every warning an error: a notebook must not show any."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return drawn.png()


def test_the_queue_stacks_every_alert_once(house: Warehouse) -> None:
    drawn = queue_plot(alerts(warehouse=house))

    by_day, by_policy = drawn.axes
    assert sum(bar.get_height() for bar in by_day.patches) == sum(bar.get_width() for bar in by_policy.patches) == 3
    assert by_day.get_ylabel() == "alerts a day"
    assert png(drawn).startswith(PNG)


def test_a_timeline_has_a_lane_per_kind_and_rings_the_evidence(house: Warehouse) -> None:
    found = explain(alerts(user="ann", policy="impossible_travel", warehouse=house), warehouse=house)

    drawn = timeline_plot(timeline(around=found.alert, warehouse=house), found)

    (axes,) = drawn.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["reading", "sign-in", "downloads, exports"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["the alert", "SE", "BR", "evidence"]
    assert png(drawn).startswith(PNG)


def test_the_bar_of_a_person_is_as_long_as_the_points_of_the_view(house: Warehouse) -> None:
    people = user_risk(warehouse=house)

    (axes,) = user_risk_plot(people).axes

    top = people.filter(pl.col("points_7d") > 0).head(15)
    ends = [0.0] * top.height
    for bar in axes.patches:
        ends[round(bar.get_y() + bar.get_height() / 2)] += bar.get_width()
    assert ends[::-1] == pytest.approx(top["points_7d"].to_list())
    said = [tick.get_text() for tick in axes.get_yticklabels()]
    assert said[::-1] == top.select(pl.coalesce("user_name", "actor_user_uid")).to_series().to_list()
    assert png(user_risk_plot(people)).startswith(PNG)


def test_the_parts_of_both_scores_are_drawn_with_their_sign(house: Warehouse) -> None:
    drawn = parts_plot(explain(alerts(user="ann", policy="impossible_travel", warehouse=house), warehouse=house))

    assert sorted(bar.get_width() for bar in drawn.axes[0].patches) == [-0.4, 0.5]
    assert png(drawn).startswith(PNG)


@pytest.mark.parametrize("name", ["$\\frac{x$", "\u202egnp", "名前", "<b>"])
def test_a_hostile_name_is_drawn_as_text(house: Warehouse, name: str) -> None:
    queue = alerts(warehouse=house)
    drawn = queue_plot(queue.with_columns(policy_id=queue["policy_id"].replace("risky_ip_logon", name)))

    assert png(drawn).startswith(PNG)


def test_an_empty_frame_says_so(house: Warehouse) -> None:
    for drawn in (
        queue_plot(alerts(warehouse=house).clear()),
        timeline_plot(timeline("ann", warehouse=house).clear()),
        user_risk_plot(user_risk(date(1999, 1, 1), warehouse=house)),
    ):
        assert drawn.axes[0].texts[0].get_text()
        assert png(drawn).startswith(PNG)
