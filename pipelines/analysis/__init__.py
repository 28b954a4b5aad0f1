"""Questions over the published warehouse, for notebooks and scripts: frames, explanations and figures.

    from pipelines.analysis import alerts, explain, timeline, close
    alerts(severity="high")            the queue, most pressing first
    explain("3f2a91c0")                one alert: who, what, why, evidence, rarity, what to do next
    timeline("carla.fiala")            what a person did, when, from where
    user_risk()                        people by investigation priority, with its parts
    close("3f2a91c0", "confirmed_with_user", comment="conference in Lyon")

    scores()                           what the anomaly model says of people's days, strangest first
    what_if(scores().head(1), new_tables=0)

Every function opens what was published last, read-only; `warehouse=open_warehouse(folder)` names another. Frames are polars.
Figures are in `pipelines.analysis.plots`.
"""

from __future__ import annotations

from pipelines.analysis.alerts import InDepth, acknowledge, alerts, behaviors, close, close_reasons, explain
from pipelines.analysis.display import shown_table
from pipelines.analysis.model import (
    attributions,
    drift,
    feature_effects,
    fitted_models,
    precision_at_budget,
    score_distribution,
    scores,
    stability,
)  # fmt: skip
from pipelines.analysis.people import timeline, user_risk
from pipelines.analysis.warehouse import Warehouse, open_warehouse
from pipelines.analysis.what_if import WhatIf, what_if

__all__ = [
    "InDepth", "Warehouse", "WhatIf", "acknowledge", "alerts", "attributions", "behaviors", "close", "close_reasons", "drift", "explain",
    "feature_effects", "fitted_models", "open_warehouse", "precision_at_budget", "score_distribution", "scores", "shown_table",
    "stability", "timeline", "user_risk", "what_if",
]  # fmt: skip
