"""What a model says: scores, what made them, what would change them, and drift."""

from __future__ import annotations

import polars as pl

from pipelines.analysis.plots.canvas import ALARM, CALM, INK, Drawn, canvas, caption, names, nothing

MOST_BARS = 12


def attribution_plot(attributions: pl.DataFrame, title: str = "What made this day strange") -> Drawn:
    """Signed contributions of the features of one user-day, strongest on top, each with its value and what is usual."""
    if not attributions.height:
        return nothing(title, "No model explained this day: none scored it, or it was too ordinary to explain.")
    rows = attributions.sort(pl.col("contribution").abs(), descending=True).head(MOST_BARS).reverse()
    drawn, (axes,) = canvas(title, height=1.3 + 0.3 * rows.height)
    signed = rows["contribution"].to_list()
    axes.barh(range(rows.height), signed, height=0.65, color=[ALARM if v > 0 else CALM for v in signed])
    for i, (value, usual, part) in enumerate(rows.select("value", "baseline", "contribution").iter_rows()):
        axes.text(
            part,
            i,
            f"  {value:,.3g} (usual {usual:,.3g})  ",
            va="center",
            ha="left" if part > 0 else "right",
            fontsize=8.5,
        )
    axes.axvline(0, color=INK, lw=0.8)
    axes.margins(x=0.3)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("contribution to the score of the forest", fontsize=9)
    names(axes.yaxis, [name.replace("_", " ") for name in rows["feature"]])
    return caption(
        drawn,
        "Orange makes the day stranger, blue more ordinary. In brackets: the median of the peer group's training days.",
    )
