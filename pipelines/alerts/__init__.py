"""From what policies saw to what a person reads.

score     fill in rarity flags, risk score and priority of one day's detections
coverage  say per policy whether it could see
fold      one alert per policy, actor and continuing behaviour, over all days
triage    what people decide: status, assignee, close reason, suppressions
explain   who, what, why, evidence and next steps of one alert
"""

from __future__ import annotations

from pipelines.alerts.coverage import Finding, Known, Needs, coverage
from pipelines.alerts.decisions import Decision, Suppression, TriageSnapshot
from pipelines.alerts.explain import Explanation, explain
from pipelines.alerts.fold import Folded, fold
from pipelines.alerts.publishable import publishable
from pipelines.alerts.score import score
from pipelines.alerts.triage import CLOSE_REASONS, MAX_SUPPRESSION, Triage, new_suppression

__all__ = [
    "CLOSE_REASONS",
    "MAX_SUPPRESSION",
    "Decision",
    "Explanation",
    "Finding",
    "Folded",
    "Known",
    "Needs",
    "Suppression",
    "Triage",
    "TriageSnapshot",
    "coverage",
    "explain",
    "fold",
    "new_suppression",
    "publishable",
    "score",
]
