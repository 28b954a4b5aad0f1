"""Fill in what a detection of one day is worth: rarity flags, risk score, priority and the parts of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.alerts import impact, risk
from pipelines.alerts.rarity import FLAGS, rarity_flags
from pipelines.contracts import contract
from pipelines.contracts.table import conform, empty

_NO_SEEN = "(SELECT ''::VARCHAR user_uid, '' AS kind, '' AS value, NULL::DATE first_seen, NULL::DATE last_seen LIMIT 0)"


def score(
    con: duckdb.DuckDBPyConnection,
    instance: str,
    day: date,
    detections: pa.Table,
    evidence: pa.Table,
    *,
    seen: str = "state__seen",
    users: str = "core__user",
    activities: str = "core__activity",
) -> pa.Table:
    """`detections` (contract `out__detection`) with its score columns filled; same rows, any order.

    `con` should hold views of `state__seen` up to the day before, of the users and of the activities; a view that is
    absent makes the flags null and the impact ordinary, never an error. Of `seen` the newest day before `day` counts;
    where only the day's own state is visible, what was first seen before the day does.
    """
    table = contract("out__detection")
    if not detections.num_rows:
        return empty(table)
    con.register("_scored_detections", detections)
    con.register("_scored_evidence", evidence)
    try:
        facts = _facts(con, instance, day, seen=seen, users=users, activities=activities)
    finally:
        con.unregister("_scored_evidence")
        con.unregister("_scored_detections")
    bare = pl.DataFrame(detections).drop(*FLAGS, "repeated_rows")
    facts.append(_repeats(bare, evidence))
    joined = bare
    for frame in facts:
        joined = joined.join(frame, on="detection_uid", how="left", maintain_order="left")
    scored = joined.with_columns(risk.risk_score(), risk.risk_parts(), impact.priority(), impact.priority_parts())
    return conform(table, scored.select(table.columns).to_arrow())


def _facts(
    con: duckdb.DuckDBPyConnection, instance: str, day: date, *, seen: str, users: str, activities: str
) -> list[pl.DataFrame]:
    with _one_row_per_user(con, instance, users) as people:
        seen_rows = _seen_before(con, instance, day, seen) if _exists(con, seen) else _NO_SEEN
        frames = [
            rarity_flags(con, day, detections="_scored_detections", seen=seen_rows, users=people),
            impact.user_impact(con, detections="_scored_detections", users=people),
        ]
    if _exists(con, activities):
        frames.append(impact.assets(con, evidence="_scored_evidence", activities=activities))
    else:
        frames.append(pl.DataFrame(schema={"detection_uid": pl.String, "asset": pl.Float64}))
    return frames


def _repeats(detections: pl.DataFrame, evidence: pa.Table) -> pl.DataFrame:
    """`detection_uid`, `repeated_rows`: how often one activity after another rests on the same source row."""
    rows = pl.DataFrame(evidence).group_by("detection_uid", "source_table", "source_uid").len()
    repeats = rows.group_by("detection_uid").agg((pl.col("len").cast(pl.Int64) - 1).sum().alias("repeated_rows"))
    return detections.select("detection_uid").join(repeats, on="detection_uid", how="left").fill_null(0)


def _seen_before(con: duckdb.DuckDBPyConnection, instance: str, day: date, seen: str) -> str:
    """The state that the day started with, as a subquery: a trait must not be made common by its own detection."""
    rows = _of_instance(seen, instance)
    newest = con.execute(f"SELECT max(event_date) FROM {rows} WHERE event_date < $1", [day]).fetchall()[0][0]  # ours
    if newest is not None:
        return f"(SELECT * FROM {rows} WHERE event_date = DATE '{newest}')"  # a date
    return f"(SELECT * FROM {rows} WHERE event_date = DATE '{day}' AND first_seen::DATE < DATE '{day}')"  # a date


@contextmanager
def _one_row_per_user(con: duckdb.DuckDBPyConnection, instance: str, users: str) -> Iterator[str]:
    """A temporary table with the latest row of each account; empty where there is no such view."""
    source = users if _exists(con, users) else None
    if source is None:
        con.register("_no_users", empty(contract("core__user")))
        source = "_no_users"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _scored_users AS SELECT * FROM {_of_instance(source, instance)} "  # our own names
        "QUALIFY row_number() OVER (PARTITION BY user_uid ORDER BY event_date DESC) = 1"
    )
    try:
        yield "_scored_users"
    finally:
        con.execute("DROP TABLE _scored_users")
        if source == "_no_users":
            con.unregister("_no_users")


def _of_instance(view: str, instance: str) -> str:
    quoted = instance.replace("'", "''")
    return f"(SELECT * FROM {view} WHERE instance = '{quoted}')"  # a view of ours; the name is quoted


def _exists(con: duckdb.DuckDBPyConnection, view: str) -> bool:
    found = con.execute("SELECT 1 FROM duckdb_views() WHERE view_name = $1", [view]).fetchall()
    return bool(found or con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = $1", [view]).fetchall())
