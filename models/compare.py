"""Challenger against champion: stability, budget, injected anomalies; and the rule of promotion."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from models.core import Fitted


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person reads before promoting by hand; `objections` empty means that the rule promotes."""

    rank_correlation: float  # Spearman of risk over the frame
    top_overlap: float  # Jaccard index of the rows in the top of the budget
    budget_used: float  # rows of risk >= 50 over the rows that the budget allows
    injected_recall: float  # share of injected anomalies with risk >= 50
    champion_injected_recall: float
    objections: tuple[str, ...]

    @property
    def promotes(self) -> bool:
        return not self.objections


def compare(challenger: Fitted, champion: Fitted | None, frame: pa.Table) -> Comparison:
    """Both on the same rows, best of days that neither learned. No champion: only budget and injected anomalies are asked."""
    raise NotImplementedError
