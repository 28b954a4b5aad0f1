"""Challenger against champion: stability, budget, injected anomalies; and the rule of promotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.core import ORGANISATION, Fitted, Floats
from models.matrix import checked, numbers
from models.score import score

#: The rule. Two seeds on the same rows agree to about 0.92 in rank (performance.md 3), two weeks to less.
LEAST_CORRELATION, LEAST_OVERLAP = 0.7, 0.25
MOST_BUDGET = 2.0
LOST_RECALL = 0.05
_TOP_ROWS, _TOP_PART = 20, 50
_INJECTED, _RAISED = 200, 3  # rows, and features raised in each, with those that move together with them
_TOGETHER, _TIMES = 0.5, 1.5  # rank correlation from which features move together; over the highest value seen
#: Of injected anomalies: a model that misses three of four is no champion, also where none was before. Asked where the budget allows a
#: row of those compared: rarer than one of all that was seen is extrapolated, and a small organisation would never have a champion.
LEAST_RECALL = 0.25


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person reads before promoting by hand; `objections` empty means that the rule promotes. Without a champion the three
    figures that need one are NaN."""

    rank_correlation: float  # Spearman of risk over the frame
    top_overlap: (
        float  # Jaccard index of the strangest fiftieth of the rows, and of 20 at least: a budget of two rows is chance
    )
    budget_used: float  # rows over the budget's threshold, over the rows that the budget allows
    injected_recall: float  # share of injected anomalies over the threshold
    champion_injected_recall: float
    objections: tuple[str, ...]

    @property
    def promotes(self) -> bool:
        return not self.objections


def compare(challenger: Fitted, champion: Fitted | None, frame: pa.Table) -> Comparison:
    """Both on the same rows, best of days that neither learned. No champion: only budget and injected anomalies are asked."""
    model = challenger.model
    frame = checked(model, frame)
    strange = injected(challenger, frame)
    new = numbers(score(challenger, frame)["percentile"])
    allowed = max(1.0, model.budget_share * frame.num_rows)
    used = float((new >= _threshold(challenger)).sum() / allowed)
    recall = _recall(challenger, strange)
    correlation = overlap = before = float("nan")
    if champion is not None and champion.model.features == model.features:
        old = numbers(score(champion, frame)["percentile"])
        known = ~(np.isnan(new) | np.isnan(old))
        correlation = _spearman(new[known], old[known])
        overlap = _overlap(new[known], old[known], max(_TOP_ROWS, int(allowed), frame.num_rows // _TOP_PART))
        before = _recall(champion, strange)
    least = LEAST_RECALL if model.budget_share * frame.num_rows >= 1 else 0.0
    objections = _objections(correlation, overlap, used, recall, before, least)
    return Comparison(correlation, overlap, used, recall, before, objections)


def injected(fitted: Fitted, frame: pa.Table) -> pa.Table:
    """Up to 200 rows of `frame`, each with three features, and those that move together with them, at one and a half times the
    highest value that training saw: whoever copies in bulk raises files and bytes, against the own days and the colleagues'.
    The same rows for the same model and frame."""
    model = fitted.model
    rng = np.random.default_rng(model.seed)
    count, most = min(_INJECTED, frame.num_rows), min(_RAISED, len(model.features))
    rows = frame.take(pa.array(np.sort(rng.choice(frame.num_rows, count, replace=False))))
    chosen = np.stack([rng.choice(len(model.features), most, replace=False) for _ in range(count)])
    raised: npt.NDArray[np.bool_] = np.any(_together(frame, model.features)[chosen], axis=1)
    highest = fitted.groups[ORGANISATION].opinion.knots[0, :, -1].astype(np.float64)
    for position, name in enumerate(model.features):
        values = numbers(rows[name])
        lifted = np.where(raised[:, position], np.fmax(values, _TIMES * max(highest[position], 1.0)), values)
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(lifted, mask=np.isnan(lifted)))
    return rows


def _together(frame: pa.Table, features: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(features, features): which move together over the rows, each with itself; what does not vary moves alone."""
    ranks = np.stack([_ranks(np.nan_to_num(numbers(frame[name]))) for name in features])
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    spread = np.linalg.norm(ranks, axis=1)
    scaled = ranks / np.where(spread > 0, spread, 1.0)[:, None]
    found: npt.NDArray[np.bool_] = np.greater_equal(scaled @ scaled.T, _TOGETHER)
    np.fill_diagonal(found, val=True)
    return found


def _recall(fitted: Fitted, strange: pa.Table) -> float:
    found = pc.greater_equal(score(fitted, strange)["percentile"], _threshold(fitted))
    return float(pc.mean(pc.cast(found, pa.float64())).as_py() or 0.0)


def _threshold(fitted: Fitted) -> float:
    return 100.0 * (1.0 - fitted.model.budget_share)


def _spearman(one: Floats, other: Floats) -> float:
    """NaN where one of them does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Floats) -> Floats:
    """Equal values share the middle of their ranks."""
    low, high = (pc.rank(pa.array(values), tiebreaker=how).to_numpy() for how in ("min", "max"))
    return np.asarray((low + high) / 2.0, dtype=np.float64)


def _overlap(one: Floats, other: Floats, top: int) -> float:
    a, b = (set(np.argsort(-values, kind="stable")[:top].tolist()) for values in (one, other))
    return len(a & b) / max(1, len(a | b))


def _objections(
    correlation: float, overlap: float, used: float, recall: float, before: float, least: float
) -> tuple[str, ...]:
    """NaN, where there is no champion, objects to nothing."""
    found = (
        (correlation < LEAST_CORRELATION, f"ranks differ from the champion's: {correlation:.2f} < {LEAST_CORRELATION}"),
        (overlap < LEAST_OVERLAP, f"other rows at the top than the champion's: {overlap:.2f} < {LEAST_OVERLAP}"),
        (used > MOST_BUDGET, f"raises {used:.1f} times what the budget allows"),
        (recall < least, f"finds {recall:.0%} of injected anomalies, less than {least:.0%}"),
        (recall < before - LOST_RECALL, f"finds {recall:.0%} of injected anomalies, the champion {before:.0%}"),
    )
    return tuple(text for objects, text in found if objects)
