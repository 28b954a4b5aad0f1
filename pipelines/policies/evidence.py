"""The activities behind detections, looked up for all policies of a day at once.

Finding ids costs a look at every activity of the look-back, however few they are: one look, and not one a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.policies.words import summary_sql

#: Evidence rows kept of one detection, and of one that is explained away; `evidence_count` says how many there were.
MAX_EVIDENCE, MAX_EXPLAINED = 1000, 10

#: Which activities a detection names, the days in which they lie, and how many of them are kept.
_NAMED = pa.schema(
    [
        ("detection_uid", pa.string()),
        ("event_date", pa.date32()),
        ("first", pa.date32()),
        ("evidence", pa.list_(pa.string())),
        ("most", pa.int64()),
    ]
)

_LOOKED_UP = f"""
SELECT a.instance, d.event_date, d.detection_uid, a.activity_uid, a.source_table, a.source_uid, a.time, a.activity_name,
       {summary_sql("a")} AS summary
FROM (SELECT detection_uid, event_date, first, most, unnest(evidence) AS activity_uid FROM _named_evidence) d
JOIN core__activity a USING (activity_uid)
WHERE a.instance = $instance AND a.event_date BETWEEN d.first AND d.event_date AND a.event_date BETWEEN $first AND $last
QUALIFY row_number() OVER (PARTITION BY d.detection_uid ORDER BY a.time, a.activity_uid) <= d.most
ORDER BY d.detection_uid, a.time, a.activity_uid
"""


def named(detections: Iterable[Mapping[str, Any]], first: date) -> pa.Table:
    """What each of one policy's detections names as its `evidence` (activity_uids), none of it before the day `first`."""
    rows = (
        {**row, "first": first, "most": MAX_EXPLAINED if row["suppressed_by"] else MAX_EVIDENCE} for row in detections
    )
    return pa.Table.from_pylist(list(rows), schema=_NAMED)


def evidence_of(con: duckdb.DuckDBPyConnection, instance: str, names: Iterable[pa.Table]) -> pa.Table:
    """Rows of `out__detection_evidence` for what `named` gave; `con` holds a view of the activities over all those days."""
    wanted = pa.concat_tables([_NAMED.empty_table(), *names])
    table = contract("out__detection_evidence")
    if not wanted.num_rows:
        return empty(table)
    days = {"first": pc.min(wanted["first"]).as_py(), "last": pc.max(wanted["event_date"]).as_py()}
    con.register("_named_evidence", wanted)
    try:
        found: pa.Table = con.sql(_LOOKED_UP, params={"instance": instance, **days}).to_arrow_table()
    finally:
        con.unregister("_named_evidence")
    return found.select(list(table.columns)).cast(table.arrow_schema())
