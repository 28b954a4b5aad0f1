"""Model figures draw what the frames say, with units and without a warning."""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.analysis import (
    Warehouse,
    alerts,
    attributions,
    drift,
    explain,
    feature_effects,
    precision_at_budget,
    scores,
    stability,
    what_if,
)  # fmt: skip
from pipelines.analysis.plots import (
    attribution_plot,
    drift_plot,
    effects_plot,
    precision_plot,
    score_plot,
    stability_plot,
    what_if_plot,
)  # fmt: skip
from tests.analysis.conftest import STRANGE
from tests.analysis.test_alert_plots import PNG, png


def test_every_scored_day_is_in_the_distribution_and_the_budget_is_marked(house: Warehouse) -> None:
    drawn = score_plot(scores(warehouse=house))

    assert sum(bar.get_height() for bar in drawn.axes[0].patches) == 200
    assert drawn.axes[0].get_xlabel() == "risk score of the day (0-100)"
    assert png(drawn).startswith(PNG)


def test_what_makes_a_day_strange_points_to_the_right(house: Warehouse) -> None:
    found = explain(alerts(user="ann", policy="impossible_travel", warehouse=house), warehouse=house)

    drawn = attribution_plot(found.attributions)

    widths = [bar.get_width() for bar in drawn.axes[0].patches]
    assert widths == [-value for value in found.attributions["contribution"].head(12).to_list()[::-1]]
    assert widths[-1] > 0
    assert png(drawn).startswith(PNG)


def test_effects_have_a_dot_for_each_explained_day(house: Warehouse) -> None:
    effects, told = feature_effects(warehouse=house), attributions(warehouse=house)

    drawn = effects_plot(effects, told)

    (dots,) = drawn.axes[0].collections
    assert len(dots.get_offsets()) == 12 * effects["user_days"][0]
    assert png(drawn).startswith(PNG)


def test_a_what_if_says_both_scores_in_its_title(house: Warehouse) -> None:
    planted = next(iter(STRANGE))
    found = what_if(scores(warehouse=house).head(1), warehouse=house, **{planted: 0.0})

    drawn = what_if_plot(found)

    assert f"risk {found.before:.0f} would be {found.after:.0f} with {planted.replace('_', ' ')} 0" in drawn.title
    assert len(drawn.axes) == 4
    assert png(drawn).startswith(PNG)


def test_stability_drift_and_precision_are_drawn(house: Warehouse) -> None:
    days = stability(warehouse=house)
    assert [bar.get_height() for bar in stability_plot(days).axes[0].patches] == days["in_budget_per_1000"].to_list()
    for drawn in (
        stability_plot(days),
        drift_plot(drift(warehouse=house)),
        precision_plot(precision_at_budget(warehouse=house)),
    ):
        assert png(drawn).startswith(PNG)


def test_precision_is_told_above_the_bar() -> None:
    rows = pl.DataFrame(
        {"per_1000": [1, 5], "user_days": [4, 20], "judged": [4, 0], "confirmed": [3, 0], "precision": [0.75, None]}
    )

    said = [text.get_text() for text in precision_plot(rows).axes[0].texts]

    assert said == ["75 % of 4\n4 days", "none judged\n20 days"]


def test_nothing_scored_is_said_instead_of_an_empty_frame(house: Warehouse) -> None:
    frames = (
        scores(warehouse=house),
        stability(warehouse=house),
        drift(warehouse=house),
        feature_effects(warehouse=house),
    )
    drawn = [plot(frame.clear()) for plot, frame in zip((score_plot, stability_plot, drift_plot), frames, strict=False)]
    drawn.append(effects_plot(frames[3].clear(), attributions(warehouse=house)))
    assert all(each.axes[0].texts[0].get_text() for each in drawn)


def test_one_day_of_drift_is_enough(house: Warehouse) -> None:
    frame = drift(warehouse=house)
    assert png(drift_plot(frame.filter(pl.col("event_date") == frame["event_date"].max()))).startswith(PNG)
    assert isinstance(frame["event_date"][0], date)
