"""What a model says: scores, what made them, what would change them, and drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.analysis.plots.canvas import (
    ALARM,
    CALM,
    COLOURS,
    GREY,
    INK,
    Drawn,
    canvas,
    caption,
    dates,
    label,
    legend,
    names,
    nothing,
    whole,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipelines.analysis.what_if import WhatIf

MOST_BARS = 12
MOST_FEATURES = 18
BUDGET = 50.0
PSI_LEVELS = (0.1, 0.25)


def attribution_plot(attributions: pl.DataFrame, title: str = "What made this day strange") -> Drawn:
    """What the features of one user-day did to its path, strongest on top, each with its value and what is usual."""
    if not attributions.height:
        return nothing(title, "No model explained this day: none scored it, or it was too ordinary to explain.")
    rows = attributions.sort(pl.col("contribution").abs(), descending=True).head(MOST_BARS).reverse()
    drawn, (axes,) = canvas(title, height=1.3 + 0.3 * rows.height)
    shorter = (-rows["contribution"]).to_list()
    axes.barh(range(rows.height), shorter, height=0.65, color=[ALARM if v > 0 else CALM for v in shorter])
    for i, (value, usual) in enumerate(rows.select("value", "baseline").iter_rows()):
        said = f"  {_short(value)} (usual {_short(usual)})  "
        axes.text(shorter[i], i, said, va="center", ha="left" if shorter[i] > 0 else "right", fontsize=8.5)
    axes.axvline(0, color=INK, lw=0.8)
    axes.margins(x=0.3)
    _sideways(axes)
    axes.set_xlabel("cuts by which the feature shortens the path (right: stranger)", fontsize=9)
    names(axes.yaxis, _words(rows["feature"]))
    return caption(
        drawn, "Orange makes the day stranger, blue more ordinary. In brackets: the middle of the training days."
    )


def score_plot(scores: pl.DataFrame) -> Drawn:
    """How scores spread, and how strange the days with an alert were."""
    known = scores.filter(pl.col("risk_score").is_not_null())
    if not known.height:
        return nothing("Scores of user-days", "No user-day has a score.")
    drawn, (left, right) = canvas(
        "Scores of user-days, all and those with an alert", columns=2, height=3.3, width_ratios=[1.3, 1]
    )
    alerted = pl.col("alert_count") > 0
    values = [known.filter(~alerted)["risk_score"].to_list(), known.filter(alerted)["risk_score"].to_list()]
    left.hist(
        values,
        bins=[2.5 * i for i in range(41)],
        stacked=True,
        color=[GREY, ALARM],
        label=["no alert that day", "with an alert"],
        log=True,
    )
    left.axvline(BUDGET, color=INK, lw=1, ls="--")
    left.text(BUDGET, 0.98, " alert budget", transform=left.get_xaxis_transform(), va="top", fontsize=8.5)
    left.set_xlabel("risk score of the day (0-100)", fontsize=9)
    left.set_ylabel("user-days (log scale)", fontsize=9)
    left.legend(fontsize=8.5, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    _shares(right, known, alerted)
    return caption(
        drawn,
        "50 is the model's alert budget: as strange as the few days of 1,000 that people have time for. It is no proof of anything.",
    )


def _shares(axes: Axes, known: pl.DataFrame, alerted: pl.Expr) -> None:
    """Of the strangest x of 100 days: which share of the days with an alert lies among them."""
    ranked = known.sort("risk_score", descending=True).select(alerted.cast(pl.Int64).alias("hit"))
    found = ranked["hit"].sum()
    axes.plot([0, 100], [0, 100], color=GREY, lw=1, ls=":", label="a model that knows nothing")
    if found:
        reached = (100 * ranked["hit"].cum_sum() / found).to_list()
        axes.plot(
            [100 * (i + 1) / known.height for i in range(known.height)], reached, color=CALM, lw=1.8, label="this model"
        )
    axes.set_xlabel("% of all user-days, strangest first", fontsize=9)
    axes.set_ylabel("% of days with an alert", fontsize=9)
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")


def effects_plot(effects: pl.DataFrame, attributions: pl.DataFrame) -> Drawn:
    """The strongest features over the explained days: every day a dot, right is stranger, dark is a high value."""
    title = "What drives the scores of the strangest days"
    if not effects.height:
        return nothing(title, "No user-day is explained yet.")
    top = effects.head(MOST_BARS)["feature"].to_list()[::-1]
    drawn, (axes,) = canvas(title, height=1.5 + 0.33 * len(top))
    rank = (pl.col("value").rank("average").over("feature") / pl.col("value").count().over("feature")).fill_null(0.5)
    rows = attributions.filter(pl.col("feature").is_in(top)).with_columns(rank.alias("rank"))
    spread = [(i % 11 - 5) / 16 for i in range(rows.height)]  # apart, and the same in every run
    heights = [top.index(name) + shift for name, shift in zip(rows["feature"], spread, strict=True)]
    dots = axes.scatter(
        (-rows["contribution"]).to_list(),
        heights,
        c=rows["rank"].to_list(),
        cmap="viridis_r",
        vmin=0,
        vmax=1,
        s=9,
        alpha=0.7,
        lw=0,
    )
    axes.axvline(0, color=INK, lw=0.8)
    _sideways(axes)
    names(axes.yaxis, _words(top))
    axes.set_xlabel("cuts by which the feature shortens the path of a day (right: stranger)", fontsize=9)
    bar = drawn.figure.colorbar(dots, ax=axes, pad=0.01, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"], fontsize=8.5)
    bar.set_label("value of the feature", fontsize=8.5)
    return caption(drawn, "A dot is one explained user-day. Features from the top: the largest mean effect first.")


def what_if_plot(found: WhatIf) -> Drawn:
    """Before and after, and how the score follows the strongest features one at a time."""
    curves = list(found.curves.group_by("feature", maintain_order=True))
    drawn, (left, *others) = canvas(_what_if_title(found), columns=1 + max(1, len(curves)), height=3.6)
    _before_after(left, found)
    for axes, (key, rows) in zip(others, curves, strict=False):
        axes.plot(rows["value"].to_list(), rows["risk_score"].to_list(), color=CALM, lw=1.8)
        axes.axvline(rows["value_of_day"][0], color=ALARM, lw=1, ls="--")
        axes.axhline(BUDGET, color=GREY, lw=1, ls=":")
        axes.set_ylim(0, 100)
        axes.set_xlabel(label(_words(key)[0]), fontsize=9, parse_math=False)
    if others:
        others[0].set_ylabel("risk score (0-100)", fontsize=9)
    if not curves:
        others[0].axis("off")
    return caption(drawn, "Left: orange makes the day stranger; pale is the day as it was. Right: the score if only this feature changed; "
                          "dashed: the value of the day; dotted: the alert budget.")  # fmt: skip


def _what_if_title(found: WhatIf) -> str:
    if not found.changes:
        return f"{found.title}: risk {found.before:.0f}"
    said = ", ".join(f"{_words([name])[0]} {_short(value)}" for name, value in found.changes.items())
    return f"{found.title}: risk {found.before:.0f} would be {found.after:.0f} with {said}"


def _before_after(axes: Axes, found: WhatIf) -> None:
    rows = found.features.head(9).reverse()
    before, after = (-rows["contribution"]).to_list(), (-rows["contribution_after"]).to_list()
    places = range(rows.height)
    axes.barh(
        places,
        before,
        height=0.75,
        color=[ALARM if v > 0 else CALM for v in before],
        alpha=0.3 if found.changes else 0.95,
    )
    if found.changes:
        axes.barh(places, after, height=0.38, color=[ALARM if v > 0 else CALM for v in after])
    axes.axvline(0, color=INK, lw=0.8)
    _sideways(axes)
    names(axes.yaxis, _words(rows["feature"]))
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("cuts off the path", fontsize=9)


def stability_plot(stability: pl.DataFrame) -> Drawn:
    """Whether the model still fits: days in the budget, and where the middle of the percentiles lies."""
    if not stability.height:
        return nothing("Stability", "No day is scored yet.")
    drawn, (left, right) = canvas("Does the model still fit the days it scores?", columns=2, height=2.9)
    days = stability["event_date"].to_list()
    left.bar(days, stability["in_budget_per_1000"].to_list(), color=CALM, width=0.8)
    left.set_ylim(0, max(5.0, 1.1 * max(stability["in_budget_per_1000"].to_list())))
    left.set_ylabel("in the budget, of 1,000", fontsize=9)
    right.plot(
        days,
        stability["median_percentile"].to_list(),
        color=CALM,
        lw=1.8,
        marker=".",
        label="middle of the percentiles",
    )
    right.axhline(50, color=GREY, lw=1, ls=":", label="as in training")
    right.set_ylim(0, 100)
    right.set_ylabel("percentile (0-100)", fontsize=9)
    right.legend(fontsize=8.5, frameon=False)
    for axes in (left, right):
        dates(axes)
    whole(left.yaxis)
    return caption(
        drawn,
        "Left: user-days that people would look at. Right: far above the dotted line, days look stranger than those the model learned: train again.",
    )


def drift_plot(drift: pl.DataFrame) -> Drawn:
    """Feature by day: how far values moved from the training days; those that moved most on top."""
    if not drift.height:
        return nothing("Drift of features", "No drift is measured yet.")
    order = drift.group_by("feature").agg(pl.col("psi").max()).sort("psi", "feature", descending=[True, False])
    top = order["feature"].head(MOST_FEATURES).to_list()
    days = drift["event_date"].unique().sort().to_list()
    grid = drift.filter(pl.col("feature").is_in(top)).pivot(
        on="event_date", index="feature", values="psi", aggregate_function="max"
    )
    cells = {row[0]: row[1:] for row in grid.select("feature", *(str(day) for day in days)).iter_rows()}
    drawn, (axes,) = canvas("Drift: how far features moved from the training days", height=1.5 + 0.27 * len(top))
    image = _heat(axes, [[v if v is not None else float("nan") for v in cells[name]] for name in top])
    axes.set_yticks(range(len(top)))
    names(axes.yaxis, _words(top))
    shown = sorted({round(i * (len(days) - 1) / max(1, min(8, len(days)) - 1)) for i in range(min(8, len(days)))})
    axes.set_xticks(shown, [f"{days[i]:%d %b}" for i in shown])
    bar = drawn.figure.colorbar(image, ax=axes, pad=0.01, ticks=[0, *PSI_LEVELS, 0.5])
    bar.set_label("population stability index", fontsize=8.5)
    few = min(drift["user_days"].to_list())
    return caption(drawn, "Pale: stable (below 0.1). Orange: moderate. Dark red: shifted (0.25 and more), the model judges other days than it "
                          f"learned. Of {few:,} user-days chance alone makes about {9 / few:.2f}.")  # fmt: skip


def _heat(axes: Axes, cells: list[list[float]]) -> Any:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    colours = ListedColormap(["#eef3f7", "#dbe6ee", "#f3c98b", "#e08a3c", "#b3261e"])
    axes.grid(visible=False)
    return axes.imshow(
        cells,
        aspect="auto",
        cmap=colours,
        norm=BoundaryNorm([0, 0.05, 0.1, 0.175, 0.25, 0.5], colours.N, extend="neither", clip=True),
    )


def precision_plot(precision: pl.DataFrame) -> Drawn:
    """Of what a budget lets people see: confirmed, harmless, and without a verdict."""
    if not precision.height:
        return nothing("Precision at budget", "No user-day is scored yet.")
    drawn, (axes,) = canvas("What analysts made of the strangest days, by budget", height=3.0)
    rows = precision.with_columns(
        (pl.col("judged") - pl.col("confirmed")).alias("harmless"),
        (pl.col("user_days") - pl.col("judged")).alias("open"),
    )
    floor = [0.0] * rows.height
    for name, colour, said in (
        ("confirmed", ALARM, "confirmed"),
        ("harmless", COLOURS[2], "harmless"),
        ("open", "#d9dee3", "no verdict"),
    ):
        shares = (100 * rows[name] / rows["user_days"]).to_list()
        axes.bar(range(rows.height), shares, bottom=floor, color=colour, label=said, width=0.7)
        floor = [a + b for a, b in zip(floor, shares, strict=True)]
    for i, (judged, found, value) in enumerate(rows.select("judged", "user_days", "precision").iter_rows()):
        told = f"{100 * value:.0f} % of {judged}" if value is not None else "none judged"
        axes.text(i, 102, f"{told}\n{found} days", ha="center", fontsize=8.5)
    axes.set_ylim(0, 125)
    axes.set_ylabel("share of the days, %", fontsize=9)
    axes.set_xlabel("budget: user-days of 1,000 that people look at each day", fontsize=9)
    names(axes.xaxis, rows["per_1000"].to_list())
    legend(axes)
    return caption(
        drawn,
        "Above each bar: precision among the days with a verdict, and all days in the budget. Only days with an alert can have one.",
    )


def _sideways(axes: Axes) -> None:
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color="#e4e8ec", linewidth=0.7)


def _words(features: Any) -> list[str]:
    return [str(name).replace("_", " ") for name in features]


def _short(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.3g}"
