"""What the published file holds: tables by their contracts, views of `mart`, and whether a file on disk is of that shape."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines.contracts import contract
from pipelines.contracts.mart import views
from pipelines.lake.runs import ARROW as RUN_SCHEMA

#: Lake tables in the file and the name they have there; `loading` says which days of them.
STORED: Mapping[str, str] = {
    "core__activity": "activity",
    "core__user": "user_day",
    "raw_servicenow__sys_attachment": "attachment",
    "out__detection_evidence": "detection_evidence",
    "out__coverage": "coverage",
    "out__table_state": "table_state",
    "out__quality_result": "quality_result",
    "out__posture": "posture",
    "out__posture_change": "posture_change",
    "out__posture_score": "posture_score",
    "out__access": "access",
    "out__exposed_resource": "exposed_resource",
    "out__model_score": "model_score",
    "out__model_attribution": "model_attribution",
    "out__model_drift": "model_drift",
}
#: Frames of the run, their name in the file and their contract; `models` is empty where no registry is kept.
FRAMES: Mapping[str, tuple[str, str]] = {
    "alerts": ("alert", "out__alert"),
    "behaviors": ("behavior", "out__alert"),
    "alert_detections": ("alert_detection", "out__alert_detection"),
    "summary_evidence": ("summary_evidence", "out__alert_evidence"),
    "models": ("model", "out__model"),
}
_OWN = ("loaded", "run", "declared")  # what the file says of itself


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Tables, their comments and the views. A file that was made by these very statements has them: 800 took a quarter
    second each night."""
    con.execute("CREATE SCHEMA IF NOT EXISTS wh")
    con.execute("CREATE TABLE IF NOT EXISTS wh.declared (revision VARCHAR)")
    statements = declarations()
    revision = hashlib.sha256("\n".join((*statements, str(RUN_SCHEMA))).encode()).hexdigest()
    if con.execute("SELECT 1 FROM wh.declared WHERE revision = ?", [revision]).fetchall():
        return
    con.register("_run_shape", RUN_SCHEMA.empty_table())
    for statement in statements:
        con.execute(statement)
    con.unregister("_run_shape")
    con.execute("DELETE FROM wh.declared")
    con.execute("INSERT INTO wh.declared VALUES (?)", [revision])


def declarations() -> list[str]:
    """What the contracts say of the file, in the order of its making; views last, as they read tables."""
    found = [
        "CREATE SCHEMA IF NOT EXISTS mart",
        'CREATE TABLE IF NOT EXISTS wh.loaded ("table" VARCHAR, instance VARCHAR, event_date DATE, content_hash VARCHAR)',
        "CREATE TABLE IF NOT EXISTS wh.run AS SELECT * FROM _run_shape",
    ]
    for name, stored in STORED.items():
        found += contract(name).ddl(f"wh.{stored}")
    for stored, declared in FRAMES.values():
        found += contract(declared).ddl(f"wh.{stored}")
    for view in views().values():
        found += view.ddl()
    return found


def has_todays_shape(final: Path) -> bool:
    """Whether every table that the file holds is still one of ours and has the columns of its contract; a file of an older
    release is built again."""
    with duckdb.connect(str(final), read_only=True) as con:
        found: dict[str, list[str]] = {}
        for table, column in con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'wh' ORDER BY column_index"
        ).fetchall():
            found.setdefault(table, []).append(column)
    wanted = {**{stored: name for name, stored in STORED.items()}, **dict(FRAMES.values())}
    return found.keys() <= {*wanted, *_OWN} and all(
        found.get(stored, columns) == columns
        for stored, name in wanted.items()
        if (columns := list(contract(name).columns))
    )
