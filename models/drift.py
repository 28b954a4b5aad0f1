"""How far features moved away from what the model learned."""

from __future__ import annotations

import pyarrow as pa

from models.core import Fitted


def drift(fitted: Fitted, frame: pa.Table) -> pa.Table:
    """`models.tables.DRIFT`: population stability index of each feature, for the organisation and each group with a forest."""
    raise NotImplementedError
