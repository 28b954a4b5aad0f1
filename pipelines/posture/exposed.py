"""`out__exposed_resource`: the rows that recommendations about exposure find, by name.

Grain: one resource and finding of a day. Nothing is asked twice: the questions are those of the recommendations. What one
of them cannot see is unknown in `out__posture` and lists nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import conform
from pipelines.posture.checks import NoRows, Undecided, row_checks
from pipelines.posture.core import Control, State, TableView
from pipelines.posture.reading import Reading

#: Recommendations whose findings are things that somebody reaches, by number.
EXPOSING = ("105", *(f"D{n}" for n in (21, 22, 23, 24, 25, 26, 27, 31, 36, 37, 38, 39, 42, 49)))
#: What a thing is called and whose it is, by the table that holds it.
_NAMES: Mapping[str, tuple[str, str]] = {
    "sys_security_acl": ("name", ""),
    "sys_db_object": ("name", ""),
    "sys_script_include": ("name", ""),
    "sys_ui_page": ("name", ""),
    "sys_public": ("page", ""),
    "sys_processor": ("name", ""),
    "sys_ws_operation": ("name", ""),
    "sys_graphql_schema": ("name", ""),
    "kb_knowledge_base": ("title", ""),
    "sp_page": ("id", ""),
    "sp_widget": ("id", ""),
    "sys_report": ("title", ""),
    "sc_cat_item_producer": ("name", ""),
    "oauth_entity": ("name", "user"),
    "oauth_credential": ("type", "user"),
}


def exposed(
    con: duckdb.DuckDBPyConnection,
    day: date,
    tables: Mapping[str, TableView],
    states: pa.Table,
    controls: Mapping[str, Control],
    before: str = "",
) -> pa.Table:
    """Rows of `out__exposed_resource`. `states` are the day's `out__posture`; `before` is a relation of the snapshot before."""
    reading = Reading(con, tables, day)
    selects = [
        sql
        for row in states.select(["control_id", "state", "weight", "ref"]).to_pylist()
        if row["ref"] in EXPOSING and row["state"] != State.NOT_APPLICABLE
        for check in row_checks(controls[row["control_id"]].check)
        for sql in _found(reading, check, row)
    ]
    table = contract("out__exposed_resource")
    if not selects or not states.num_rows:
        return table.arrow_schema().empty_table()
    held = f"SELECT control_id, finding, resource_type, resource_uid, since FROM {before}" if before else _NOTHING
    sql = f"""
        WITH found AS ({" UNION ALL ".join(selects)}), held AS ({held})
        SELECT $instance AS instance, $day::DATE AS event_date, f.*, coalesce(h.since, $day::DATE) AS since
        FROM found f LEFT JOIN held h USING (control_id, finding, resource_type, resource_uid)
        ORDER BY control_id, finding, resource_type, resource_uid"""
    given = {"instance": states["instance"][0].as_py(), "day": day}
    return conform(table, con.sql(sql, params=given).to_arrow_table())


def _found(reading: Reading, check: NoRows | Undecided, row: Mapping[str, object]) -> Iterator[str]:
    """A SELECT per table that can hold what the check finds; none where the check cannot see."""
    reads = check.reads()
    if reading.obstacle(reads):
        return
    question = reading.question(check.find, reads)
    certain = isinstance(check, NoRows) and not reading.hidden(check.unless)
    for table in sorted(table for table, columns in reads.items() if table in _NAMES and "sys_id" in columns):
        name, account = _NAMES[table]
        view = reading.tables[table]
        said = f't."{name}"' if name in view.columns else "NULL::VARCHAR"
        whose = f"""nullif(trim(t."{account}"), '')""" if account in view.columns else "NULL::VARCHAR"
        yield (
            f"SELECT {_quoted(row['control_id'])} AS control_id, {_quoted(row['ref'])} AS ref, {_quoted(check.what)} AS finding, "
            f"{_quoted(table)} AS resource_type, t.sys_id AS resource_uid, {said} AS resource_name, {whose} AS account_uid, "
            f"{certain} AS is_certain, {float(str(row['weight']))} AS weight "
            f"FROM ({question}) q JOIN {view.relation} t ON t.sys_id = q.uid"
        )


def _quoted(text: object) -> str:
    """A SQL literal of a text of ours: ids, numbers and questions of the declarations, never data."""
    return "'" + str(text).replace("'", "''") + "'"


_NOTHING = "SELECT NULL AS control_id, NULL AS finding, NULL AS resource_type, NULL AS resource_uid, NULL::DATE AS since WHERE false"
