"""Risk from analysts' verdicts: two numbers, fitted on closed alerts."""

from __future__ import annotations

import pyarrow as pa

from models.core import Fitted


def calibrate(fitted: Fitted, labelled: pa.Table) -> Fitted:
    """`fitted` with offset and weight that make risk/100 the share of true rows: `labelled` holds `risk` as `fitted` scored it and the
    bool `is_true`. Both a true and an untrue row are needed, else `UsageError`. Ranks do not change."""
    raise NotImplementedError
