"""Columns of the tables that the engine returns; each starts with the model's key columns."""

from __future__ import annotations

import pyarrow as pa

#: `models.score.score`: one row per row of the frame, in its order.
SCORE = (
    pa.field("group", pa.string()),  # peer group whose forest spoke, or "organisation"
    pa.field("decided_by", pa.string()),  # "rolling" or "reference": the view to which the row is stranger
    pa.field("depth", pa.float64()),  # mean path in the forest that decided, in cuts; less is stranger
    pa.field("risk", pa.float64()),  # 0-100, calibrated; 50 is the alert budget; null where too little is known
    pa.field("percentile", pa.float64()),  # share of training rows that were less strange, in percent
    pa.field("second_opinion", pa.float64()),  # percentile of the row by ECOD, in percent
    pa.field("unknown_features", pa.int32()),  # features that were null, NaN or infinite and were read as usual
)
#: `models.attribution.attribute`: one row per row of the frame and feature.
ATTRIBUTION = (
    pa.field("feature", pa.string()),
    pa.field("value", pa.float64()),  # as in the frame, in the feature's unit
    pa.field("baseline", pa.float64()),  # middle of the training rows of the same view
    pa.field("contribution", pa.float64()),  # cuts; below 0 shortens the path and so raises the risk
    pa.field("expected_depth", pa.float64()),  # contributions of a row sum to depth - expected_depth
)
#: `models.drift.drift`: one row per feature and group.
DRIFT = (
    pa.field("group", pa.string()),
    pa.field("feature", pa.string()),
    pa.field("psi", pa.float64()),  # population stability index, nats
    pa.field("level", pa.string()),  # "stable" < 0.1 <= "moderate" < 0.25 <= "shifted"
    pa.field("rows", pa.int64()),
    pa.field("unknown_share", pa.float64()),
)
