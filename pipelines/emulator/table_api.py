"""The Table API: list, get, insert, update, delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from pipelines.emulator.encoded_query import Query, parse
from pipelines.emulator.instance import Instance
from pipelines.emulator.messages import Answer, Call, Refused, api_acl, invalid_table, no_record, result, write_refused
from pipelines.emulator.query_sql import Compiler, Sql
from pipelines.emulator.spoken import spoken
from pipelines.emulator.values import Renderer, zone_of

DEFAULT_LIMIT = 10_000
LARGEST = 1 << 53  # what a limit or an offset is cut to


def list_rows(instance: Instance, call: Call, table: str, *, default_limit: int = DEFAULT_LIMIT) -> Answer:
    """Query, then limit and offset, then ACLs: a page may hold fewer rows than asked, even none."""
    _check_table(instance, table)
    name = call.user["user_name"]
    refusal = instance.acl.refusal(name, table)
    if refusal == "forbidden":
        return api_acl()
    compiler = compiler_for(instance, call)
    query = parse(_encoded(instance, call, table))
    where = compiler.where(query, table, "t")
    seen, seen_params = instance.store.visible(table, "t")
    limit = max(0, _number(call, "sysparm_limit", default_limit))
    offset = max(0, _number(call, "sysparm_offset", 0))
    headers = _count_headers(instance, call, table, where, (seen, seen_params), limit, offset)
    if refusal == "empty":
        rows: list[dict[str, Any]] = []
    else:
        rows = select(instance, call, table, query, where, (seen, seen_params), compiler, limit, offset)
    if not rows and table != "sys_attachment" and ("/v1/" in call.path or instance.api_version == 1):
        return Answer(404, no_record().body, headers)
    return result(rows, headers=headers)


def select(
    instance: Instance,
    call: Call,
    table: str,
    query: Query,
    where: Sql,
    seen: tuple[str, list[str]],
    compiler: Compiler,
    limit: int,
    offset: int,
) -> list[dict[str, Any]]:
    paths = fields(instance, call, table, compiler)
    columns, params = [], []
    for path in paths:
        made = compiler.path(path, table, "t")
        assert made is not None
        columns.append(made.text)
        params += made.params
    hidden = _hidden(instance, call, table, compiler)
    order = compiler.order(query, table, "t")
    sql = f'SELECT {", ".join([*columns, hidden.text])} FROM "{table}" t WHERE {where.text} AND {seen[0]}'
    sql += f" ORDER BY {order.text}" if order.text else ""
    found = instance.store.rows(
        f"{sql} LIMIT ? OFFSET ?", [*params, *hidden.params, *where.params, *seen[1], *order.params, limit, offset]
    )
    shown = [row[:-1] for row in found if not row[-1]]
    return renderer_for(instance, call).rows(table, paths, shown, compiler)


def fields(instance: Instance, call: Call, table: str, compiler: Compiler) -> list[str]:
    """The columns asked for that exist and are shown to the caller; unknown names are ignored, none means all."""
    asked = [f.strip() for f in call.query.get("sysparm_fields", "").split(",") if f.strip()]
    names = asked or list(instance.store.schemas[table].columns)
    shown = [
        n
        for n in names
        if not instance.acl.hides(call.user["user_name"], table, n) and compiler.path(n, table, "t") is not None
    ]
    return list(dict.fromkeys(shown)) or ["sys_id"]


def get_row(instance: Instance, call: Call, table: str, sys_id: str) -> Answer:
    _check_table(instance, table)
    refusal = instance.acl.refusal(call.user["user_name"], table)
    if refusal == "forbidden":
        return api_acl()
    row = None if refusal else one(instance, call, table, sys_id)
    return no_record() if row is None else result(row)


def one(instance: Instance, call: Call, table: str, sys_id: str) -> dict[str, Any] | None:
    compiler = compiler_for(instance, call)
    where = Sql("t.sys_id = ?", [sys_id])
    found = select(instance, call, table, Query(()), where, instance.store.visible(table, "t"), compiler, 1, 0)
    return found[0] if found else None


def insert(instance: Instance, call: Call, table: str) -> Answer:
    _check_table(instance, table)
    if not instance.acl.may_write(call.user["user_name"]):
        return write_refused("Insert")
    row = instance.writer.insert(table, _given(instance, call, table), call.user)
    return result(
        one(instance, call, table, row["sys_id"]),
        201,
        {"Location": f"{call.base_url}/api/now/table/{table}/{row['sys_id']}"},
    )


def update(instance: Instance, call: Call, table: str, sys_id: str) -> Answer:
    _check_table(instance, table)
    if not instance.acl.may_write(call.user["user_name"]):
        return write_refused("Update")
    if instance.store.record(table, sys_id) is None:
        return no_record()
    instance.writer.update(table, sys_id, _given(instance, call, table), call.user)
    return result(one(instance, call, table, sys_id))


def delete(instance: Instance, call: Call, table: str, sys_id: str) -> Answer:
    _check_table(instance, table)
    if not instance.acl.may_write(call.user["user_name"]):
        return write_refused("Delete")
    if instance.store.record(table, sys_id) is None:
        return no_record()
    instance.writer.delete(table, sys_id, call.user)
    return Answer(204)


def compiler_for(instance: Instance, call: Call) -> Compiler:
    name = call.user["user_name"]
    return Compiler(
        instance.store, instance.clock.now(), call.user["sys_id"],
        refuses_range=lambda table, column: instance.acl.refuses_range(name, table, column),
        unknown_gives_nothing=instance.property("glide.invalid_query.returns_no_rows") == "true",
    )  # fmt: skip


def renderer_for(instance: Instance, call: Call) -> Renderer:
    return Renderer(
        instance.store, call.user, call.base_url, display=call.query.get("sysparm_display_value", "false"),
        exclude_links=call.query.get("sysparm_exclude_reference_link", "false").lower() == "true",
    )  # fmt: skip


def _encoded(instance: Instance, call: Call, table: str) -> str:
    """`sysparm_query`, or the simple `column=value` parameters where there is none; only those take labels and names."""
    if "sysparm_query" in call.query:
        return call.query["sysparm_query"]
    terms = []
    for column, value in call.query.items():
        if not column.startswith("sysparm_"):
            stored = spoken(instance.store, table, column, value)
            terms.append(f"{column}={stored.replace('^', '^^')}")
    return "^".join(terms)


def _hidden(instance: Instance, call: Call, table: str, compiler: Compiler) -> Sql:
    rule = instance.acl.row_rule(call.user["user_name"], table)
    return compiler.where(parse(rule), table, "t") if rule else Sql("0")


def _count_headers(
    instance: Instance, call: Call, table: str, where: Sql, seen: tuple[str, list[str]], limit: int, offset: int
) -> dict[str, str]:
    """`X-Total-Count`, blind to ACLs, and `Link`; neither where the caller asked not to count."""
    if call.query.get("sysparm_no_count", "false").lower() == "true":
        return {}
    total = instance.store.rows(
        f'SELECT count(*) FROM "{table}" t WHERE {where.text} AND {seen[0]}', [*where.params, *seen[1]]
    )[0][0]
    headers = {"X-Total-Count": str(total)}
    suppressed = call.query.get("sysparm_suppress_pagination_header", "false").lower() == "true"
    if not suppressed and limit and (total > limit or offset):
        headers["Link"] = _links(call, limit, offset, total)
    return headers


def _links(call: Call, limit: int, offset: int, total: int) -> str:
    """first, prev (negative on the first page, as current releases send it), next but on the last page, last."""

    def link(at: int, relation: str) -> str:
        query = urlencode({**call.query, "sysparm_limit": limit, "sysparm_offset": at})
        return f'<{call.base_url}{call.path}?{query}>;rel="{relation}"'

    last = (total - 1) // limit * limit if total else 0
    parts = [link(0, "first"), link(offset - limit, "prev")]
    if offset + limit < total:
        parts.append(link(offset + limit, "next"))
    return ",".join([*parts, link(last, "last")])


def _given(instance: Instance, call: Call, table: str) -> dict[str, str]:
    """The body's columns as text; unknown ones are ignored."""
    try:
        body = call.json()
    except ValueError:
        raise Refused(
            Answer(
                400,
                b'{"error":{"message":"Exception while reading request","detail":"The payload is not valid JSON."},"status":"failure"}',
            )
        ) from None
    columns = instance.store.schemas[table].columns
    given = {k: _text(v) for k, v in body.items() if k in columns} if isinstance(body, dict) else {}
    if call.query.get("sysparm_input_display_value", "false").lower() == "true":
        zone = zone_of(call.user)
        return {k: spoken(instance.store, table, k, v, zone) for k, v in given.items()}
    return given


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        value = value.get("value", "")
    return "" if value is None else str(value)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    return min(int(text), LARGEST) if text.lstrip("-").isdecimal() else default


def _check_table(instance: Instance, table: str) -> None:
    if table not in instance.store.schemas:
        raise Refused(invalid_table(table))
