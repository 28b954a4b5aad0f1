"""The queue, what a person did around an alert, and what a risk score is made of."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.analysis.people import LANES
from pipelines.analysis.plots.canvas import (
    ALARM,
    CALM,
    COLOURS,
    GREY,
    INK,
    SEVERITY,
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

    from pipelines.analysis.alerts import InDepth


def queue_plot(alerts: pl.DataFrame) -> Drawn:
    """Alerts a day by severity, and policies by how much they raised."""
    if not alerts.height:
        return nothing("Alerts", "There is no alert to draw.")
    drawn, (left, right) = canvas("Alerts by day and by policy", columns=2, height=max(3.0, 0.3 * alerts["policy_id"].n_unique()),
                                  width_ratios=[1.35, 1])  # fmt: skip
    _days_by_severity(left, alerts)
    _policies_by_severity(right, alerts)
    return caption(drawn, "Day: UTC day of the last evidence. Colour: how bad it is if true.")


def _days_by_severity(axes: Axes, alerts: pl.DataFrame) -> None:
    ends = alerts.select(pl.date_range(pl.col("event_date").min(), pl.col("event_date").max(), "1d"))
    days = ends["event_date"]
    floor = [0] * days.len()
    for severity, colour in SEVERITY.items():
        counted = alerts.filter(pl.col("severity") == severity).group_by("event_date").len()
        heights = days.to_frame().join(counted, on="event_date", how="left")["len"].fill_null(0).to_list()
        if any(heights):
            axes.bar(days.to_list(), heights, bottom=floor, color=colour, label=severity, width=0.8)
        floor = [a + b for a, b in zip(floor, heights, strict=True)]
    axes.set_ylabel("alerts a day")
    whole(axes.yaxis)
    dates(axes)
    axes.legend(fontsize=8.5, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))


def _policies_by_severity(axes: Axes, alerts: pl.DataFrame) -> None:
    order = alerts.group_by("policy_id").len().sort("len", "policy_id")["policy_id"].to_list()
    floor = [0] * len(order)
    for severity, colour in SEVERITY.items():
        counted = dict(alerts.filter(pl.col("severity") == severity).group_by("policy_id").len().iter_rows())
        widths = [counted.get(policy, 0) for policy in order]
        axes.barh(range(len(order)), widths, left=floor, color=colour)
        floor = [a + b for a, b in zip(floor, widths, strict=True)]
    names(axes.yaxis, order)
    axes.grid(axis="x", color="#e4e8ec", linewidth=0.7)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("alerts", fontsize=9)
    whole(axes.xaxis)


def timeline_plot(activities: pl.DataFrame, found: InDepth | None = None) -> Drawn:
    """What a person did, one lane per kind of activity, coloured by country; rings are the alert's evidence."""
    who = (found.alert["actor_user_name"] or found.alert["actor_user_uid"] or "one victim") if found else "the account"
    title = f"What {who} did" + (" around the alert" if found else "")
    if not activities.height:
        return nothing(
            title, "The published file holds no activity of this account in this time: see `warehouse_days`."
        )
    lanes = [lane for lane in LANES if lane in set(activities["lane"].cast(pl.String))]
    drawn, (axes,) = canvas(title, height=1.4 + 0.32 * len(lanes))
    if found:
        pad = timedelta(minutes=20)
        axes.axvspan(
            found.alert["first_seen"] - pad,
            found.alert["last_seen"] + pad,
            color=ALARM,
            alpha=0.16,
            lw=0,
            label="the alert",
        )
    counted = _binned(activities)
    common = counted.group_by("country").agg(pl.col("n").sum()).sort(-pl.col("n"), "country")["country"].to_list()
    for i, country in enumerate(common):
        rows = counted.filter(pl.col("country") == country)
        _dots(axes, rows, lanes, s=[_size(n) for n in rows["n"]], alpha=0.6, lw=0,
              color=GREY if country == "unknown" or i >= len(COLOURS) else COLOURS[i], label=label(country if i < len(COLOURS) else "others") if i <= len(COLOURS) else None)  # fmt: skip
    if found:
        proof = counted.filter(pl.col("alert_uids").list.contains(found.uid))
        _dots(
            axes,
            proof,
            lanes,
            s=[_size(n) + 40 for n in proof["n"]],
            facecolors="none",
            edgecolors=INK,
            lw=0.7,
            label="evidence",
        )
    names(axes.yaxis, lanes)
    axes.set_ylim(-0.6, len(lanes) - 0.4)
    dates(axes)
    axes.set_xlabel("time (UTC)", fontsize=9)
    legend(axes, "country")
    return caption(drawn, "A dot is half an hour of one kind of activity in one country; the larger, the more.")


def _binned(activities: pl.DataFrame) -> pl.DataFrame:
    half_hour = pl.col("time").dt.truncate("30m")
    keys = [half_hour, pl.col("lane").cast(pl.String), pl.col("country").fill_null("unknown")]
    return (
        activities.group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("n"), pl.col("alert_uids").list.explode(keep_nulls=False, empty_as_null=False)
        )
        .sort("time", "lane", "country")
    )


def _dots(axes: Axes, rows: pl.DataFrame, lanes: list[str], **options: Any) -> None:
    axes.scatter(rows["time"].to_list(), [lanes.index(lane) for lane in rows["lane"]], **options)


def _size(n: int) -> float:
    return 14.0 + 9.0 * math.sqrt(min(n, 400))


#: Parts of the seven-day priority -> what they say.
RISK_PARTS = {
    "severity_7d": "how bad the alerts are", "user_impact_7d": "what the account can do", "popularity_7d": "how rare it is",
    "asset_7d": "how sensitive the tables are", "model_7d": "unusual days, by the model",
}  # fmt: skip
MOST_PEOPLE = 15


def user_risk_plot(people: pl.DataFrame) -> Drawn:
    """Who to look at first, and why: the points of the last seven days, stacked."""
    top = people.filter(pl.col("points_7d") > 0).head(MOST_PEOPLE).reverse()
    if not top.height:
        return nothing("Who to look at first", "Nobody has a point in these seven days.")
    drawn, (axes,) = canvas(
        f"Who to look at first, seven days up to {top['event_date'][0]}", height=1.5 + 0.27 * top.height
    )
    floor = [0.0] * top.height
    for (part, said), colour in zip(RISK_PARTS.items(), COLOURS, strict=False):
        points = top[part].to_list()
        axes.barh(range(top.height), points, left=floor, height=0.7, color=colour, label=said)
        floor = [a + b for a, b in zip(floor, points, strict=True)]
    for i, (end, priority) in enumerate(zip(floor, top["priority_7d"], strict=True)):
        axes.text(end, i, f" {priority:.0f}", va="center", fontsize=8.5)
    axes.margins(x=0.08)  # room for the priority behind the longest bar
    names(axes.yaxis, top.select(pl.coalesce("user_name", "actor_user_uid")).to_series().to_list())
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color="#e4e8ec", linewidth=0.7)
    axes.set_xlabel("points of the investigation priority", fontsize=9)
    legend(axes, "part")
    return caption(
        drawn,
        "Behind each bar: priority 0-100, which never reaches its end so that the busiest accounts stay in order.",
    )


def parts_plot(found: InDepth) -> Drawn:
    """How the risk score comes together, part by part, as factors on the odds; and the points of the priority."""
    risk = found.risk_parts.filter(pl.col("part") != "prior").sort("log_odds")
    points = found.priority_parts.sort("points")
    if not risk.height and not points.height:
        return nothing("What the scores are made of", "This alert carries no parts.")
    drawn, (left, right) = canvas(
        _score_title(found), columns=2, height=max(2.4, 0.42 * max(risk.height, points.height) + 1.2)
    )
    left.barh(
        range(risk.height),
        risk["log_odds"].to_list(),
        height=0.6,
        color=[ALARM if v > 0 else CALM for v in risk["log_odds"]],
    )
    for i, (log_odds, odds) in enumerate(risk.select("log_odds", "odds").iter_rows()):
        left.text(log_odds, i, f" x{odds:.2f} ", va="center", ha="left" if log_odds > 0 else "right", fontsize=9)
    left.axvline(0, color=INK, lw=0.8)
    left.margins(x=0.22)
    if not risk.height:
        left.set_xlim(-1, 1)
        left.text(0, 0, "nothing known of this case moves the odds", va="center", ha="center", fontsize=9)
    left.set_xlabel("change of the log-odds that the alert is true", fontsize=9)
    names(left.yaxis, [part.replace("_", " ") for part in risk["part"]])
    right.barh(range(points.height), points["points"].to_list(), height=0.6, color=GREY)
    right.set_xlabel("points of the priority (0-100)", fontsize=9)
    names(right.yaxis, [part.replace("_", " ") for part in points["part"]])
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
    return caption(
        drawn, "Left: orange makes it more probable, blue less; x2 doubles the odds. Right: who and what is concerned."
    )


def _score_title(found: InDepth) -> str:
    prior = next((odds for part, _, odds in found.risk_parts.iter_rows() if part == "prior"), None)
    start = f", starting from the policy's {100 * prior / (1 + prior):.0f} %" if prior else ""
    return f"Risk {found.alert['risk_score'] or 0:.0f}{start}; priority {found.alert['priority'] or 0:.0f}"
