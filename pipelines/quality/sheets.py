"""Values of many columns and tables that are asked the same question, judged together.

Asking Great Expectations costs milliseconds an expectation whatever the number of values, and a night judges hundreds of
small partitions that all ask alike: is it there, does it look like a sys_id. So values that meet the same question stand on
one sheet, one column, and each piece of it remembers whose they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipelines.contracts.table import Check
from pipelines.quality import suite
from pipelines.quality.judge import judge
from pipelines.quality.metrics import Metric, frame_of

FULL = 200_000  # values of a sheet that is judged at once
KEPT_VALUES = 100_000  # different failing values remembered of one check
ASKED = "value"


@dataclass(slots=True)
class Finding:
    """One expectation, judged. `values` are the different failing ones of a row check, as GX saw them."""

    check: Check
    where: str
    expected: str
    success: bool = True
    failed_rows: int = 0
    observed: str = ""
    measure: float | None = None
    values: dict[object, None] = field(default_factory=dict)

    def note(self, values: Any, weights: Any, positions: Any) -> None:
        """The values at `positions` fail; `weights` says how many rows carry each (None: one)."""
        self.success = False
        self.failed_rows += len(positions) if weights is None else int(weights[positions].sum())
        for value in values.iloc[positions].unique().tolist():
            if len(self.values) < KEPT_VALUES:
                self.values[None if value != value else value] = None  # noqa: PLR0124  # NaN is pandas' missing


@dataclass(slots=True)
class Sheets:
    """Open questions with the values that wait for an answer; never more than two chunks of values a question."""

    waiting: dict[Check, list[tuple[Finding, Any, Any]]] = field(default_factory=dict)

    def ask(self, finding: Finding, values: Any, weights: Any = None) -> None:
        """Put a column's values (a pandas Series) on the sheet of the finding's question."""
        if not len(values):
            return
        question = replace(finding.check, severity="stop", column=ASKED)
        held = self.waiting.setdefault(question, [])
        held.append((finding, values, weights))
        if sum(len(v) for _, v, _ in held) >= FULL:
            _answer(question, self.waiting.pop(question))

    def settle(self) -> None:
        """Have everything judged that still waits."""
        for question in list(self.waiting):
            _answer(question, self.waiting.pop(question))


def _answer(question: Check, held: Sequence[tuple[Finding, Any, Any]]) -> None:
    import pandas as pd

    column = pd.concat([values for _, values, _ in held], ignore_index=True)
    (verdict,) = judge(pd.DataFrame({ASKED: column}), [suite.row_expectation(question)])
    if verdict.success:
        return
    failed = np.sort(np.asarray(verdict.failed, dtype=np.int64))
    start = 0
    for finding, values, weights in held:
        first, last = np.searchsorted(failed, [start, start + len(values)])
        if last > first:
            finding.note(values, weights, failed[first:last] - start)
        start += len(values)


def judged_metrics(found: Sequence[Metric]) -> list[Finding]:
    """A finding for each metric, in their order: every number within its band, all of them on one frame."""
    if not found:
        return []
    verdicts = judge(frame_of(found), suite.metric_expectations())
    outside = {position for verdict in verdicts for position in verdict.failed}
    return [
        Finding(m.check, "metrics", m.band.said, i not in outside, m.failed_rows, m.observed, m.measure)
        for i, m in enumerate(found)
    ]
