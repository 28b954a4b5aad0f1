"""The Aggregate API: counts, sums, averages, minima and maxima, grouped or not."""

from __future__ import annotations

import re
from typing import Any

from pipelines.emulator.encoded_query import parse
from pipelines.emulator.instance import Instance
from pipelines.emulator.messages import Answer, Call, Refused, api_acl, invalid_table, result
from pipelines.emulator.table_api import compiler_for, renderer_for

_HAVING = re.compile(r"^(count|sum|avg|min|max)\^([a-z0-9_]*)\^(=|!=|>|>=|<|<=)\^(-?\d+(?:\.\d+)?)$")
_SQL = {"avg": "avg", "min": "min", "max": "max", "sum": "sum"}


def stats(instance: Instance, call: Call, table: str) -> Answer:
    """Honours table access, not row access: its count may exceed what the Table API shows."""
    if table not in instance.store.schemas:
        raise Refused(invalid_table(table))
    refusal = instance.acl.refusal(call.user["user_name"], table)
    if refusal == "forbidden":
        return api_acl()
    compiler = compiler_for(instance, call)
    where = compiler.where(parse(call.query.get("sysparm_query", "")), table, "t")
    seen, seen_params = instance.store.visible(table, "t")
    groups = [g for g in _names(call, "sysparm_group_by") if compiler.path(g, table, "t") is not None]
    measures = _measures(instance, call, table)
    group_sql = [compiler.path(g, table, "t") for g in groups]
    params = [p for g in group_sql if g is not None for p in g.params]
    selected = [g.text for g in group_sql if g is not None] + [m[2] for m in measures]
    if not selected:
        return result({"stats": {}})
    sql = f'SELECT {", ".join(selected)} FROM "{table}" t WHERE {where.text} AND {seen}'
    if groups:
        sql += f" GROUP BY {', '.join(str(n + 1) for n in range(len(groups)))}{_having(instance, call, table)}{_order(call, groups, measures)}"
    rows = instance.store.rows(sql, [*params, *where.params, *seen_params])
    if not groups:
        return result({"stats": _values(measures, rows[0])})
    renderer = renderer_for(instance, call)
    answer = []
    for row in rows:
        shown = [
            {
                "field": name,
                **_group_value(renderer.value(compiler.type_of(name, table), value, table, name), renderer.mode),
            }
            for name, value in zip(groups, row, strict=False)
        ]
        answer.append({"stats": _values(measures, row[len(groups) :]), "groupby_fields": shown})
    return result(answer)


def _measures(instance: Instance, call: Call, table: str) -> list[tuple[str, str, str]]:
    """(function, column, SQL) in the order of the answer."""
    found = [("count", "", "count(*)")] if call.query.get("sysparm_count", "").lower() == "true" else []
    for name in ("avg", "min", "max", "sum"):
        for column in _names(call, f"sysparm_{name}_fields"):
            schema = instance.store.schemas[table]
            if column not in schema.columns:
                continue
            is_text = name in ("min", "max") and schema.type_of(column) not in ("integer", "choice")
            value = f't."{column}"' if is_text else f'CAST(t."{column}" AS REAL)'
            found.append((name, column, f"{_SQL[name]}({value})"))
    return found


def _values(measures: list[tuple[str, str, str]], row: tuple[Any, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for (name, column, _), value in zip(measures, row, strict=True):
        if name == "count":
            made["count"] = str(value)
        else:
            made.setdefault(name, {})[column] = _number(name, value)
    return made


def _number(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if name == "avg":
        return f"{value:.4f}"
    return str(int(value)) if float(value).is_integer() else str(value)


def _names(call: Call, parameter: str) -> list[str]:
    return [part.strip() for part in call.query.get(parameter, "").split(",") if part.strip()]


def _having(instance: Instance, call: Call, table: str) -> str:
    """`count^state^>^3`: only numbers, known functions and known columns reach the SQL."""
    found = _HAVING.match(call.query.get("sysparm_having", ""))
    if found is None or (found[1] != "count" and found[2] not in instance.store.schemas[table].columns):
        return ""
    measured = "count(*)" if found[1] == "count" else f'{found[1]}(CAST(t."{found[2]}" AS REAL))'
    return f" HAVING {measured} {found[3].replace('!=', '<>')} {found[4]}"


def _order(call: Call, groups: list[str], measures: list[tuple[str, str, str]]) -> str:
    """`AVG^state`, `state^DESC`, `COUNT`, or several with commas; a trailing `^DESC` turns any of them round."""
    terms = []
    for text in _names(call, "sysparm_order_by"):
        head, *tail = text.split("^")
        keys = [(g, "") for g in groups] + [(name, column) for name, column, _ in measures]
        for position, (name, column) in enumerate(keys):
            if name in (head, head.lower()) and (not column or column in tail):
                terms.append(f"{position + 1}" + (" DESC" if tail and tail[-1].upper() == "DESC" else ""))
                break
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _group_value(shown: Any, mode: str) -> dict[str, Any]:
    """`value` holds what is shown; with `all` the stored value, and the shown one beside it."""
    if mode == "all":
        return {"display_value": shown["display_value"], "value": shown["value"]}
    return {"value": shown.get("display_value", shown.get("value")) if isinstance(shown, dict) else shown}
