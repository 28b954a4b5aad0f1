"""Figures of the analysis surface: frames in, a matplotlib figure out; titled, with units, in colours that most eyes can tell apart."""

from pipelines.analysis.plots.alert_plots import parts_plot, queue_plot, timeline_plot, user_risk_plot
from pipelines.analysis.plots.model_plots import (
    attribution_plot,
    drift_plot,
    effects_plot,
    precision_plot,
    score_plot,
    stability_plot,
    what_if_plot,
)  # fmt: skip

__all__ = [
    "attribution_plot", "drift_plot", "effects_plot", "parts_plot", "precision_plot", "queue_plot", "score_plot",
    "stability_plot", "timeline_plot", "user_risk_plot", "what_if_plot",
]  # fmt: skip
