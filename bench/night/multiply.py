"""A big organisation out of a small one: every landed row once per copy, with ids, names and addresses of its own.

The shapes of a day (who does what, when, how often) stay those of the emulator's organisation; only its size grows. Done in
DuckDB, partition by partition, so that fifty million rows need no memory. Whether anybody is *found* is `bench.detection`'s
question: addresses move within their /24, so places keep their distribution while distinct addresses multiply.
"""

from __future__ import annotations

from datetime import date

from pipelines.contracts import contract, sources
from pipelines.contracts.table import Pii, Table
from pipelines.lake import Lake, Lease

SHARED_TABLES = frozenset({"sys_properties", "v_plugin", "sys_plugins", "sys_user_role"})  # not multiplied with people
SHARED_COLUMNS = frozenset({"role", "department", "company", "location"})
SHARED_NAMES = ("system", "guest", "admin", "nowguard.collector")
ID = "[0-9a-f]{32}"
ADDRESS = r"^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$"


def multiply(small: Lake, big: Lake, lease: Lease, instance: str, day: date, copies: int) -> int:
    """Rows written: every raw partition of `day` in `small`, `copies` times, into `big`; and what could be read."""
    written = 0
    people = sources()["sys_user"]
    for table in sources().values():
        if day not in small.days(table, instance):
            continue
        with small.connect(memory_limit="4GB") as con:
            con.execute("SET preserve_insertion_order = false")
            small.view(con, table, instance, [day], name="one")
            small.view(con, people, instance, small.days(people, instance)[-1:], name="people")
            con.execute(
                "CREATE TEMP TABLE known AS SELECT DISTINCT user_name FROM people WHERE user_name NOT IN $1",
                [SHARED_NAMES],
            )
            written += big.replace(lease, table, instance, day, con.sql(_copies_of(table, copies))).rows
    states = contract("out__table_state")
    with small.connect() as con:
        small.view(con, states, instance, [day])
        big.replace(lease, states, instance, day, con.sql(f"FROM {states.name}"))
    return written


def _copies_of(table: Table, copies: int) -> str:
    assert table.source is not None
    order = ", ".join(f't."{name}"' for name in table.sort_by)
    if table.source.table in SHARED_TABLES:
        return f"SELECT * FROM one AS t ORDER BY {order}"
    columns = ", ".join(f'{_copied(f.name, f.pii)} AS "{f.name}"' for f in table.all_fields)
    one_of_a_kind = f"WHERE k = 0 OR user_name NOT IN {SHARED_NAMES}" if table.source.table == "sys_user" else ""
    return (
        f"SELECT * FROM (SELECT {columns} FROM one, range({copies}) AS copy(k) {one_of_a_kind}) AS t ORDER BY {order}"
    )


def _copied(name: str, pii: Pii) -> str:
    """SQL of a column's value in copy `k`; copy 0 is the original."""
    column = f'one."{name}"'
    if name in SHARED_COLUMNS or pii is Pii.NONE:
        return column
    renamed = f"replace({column}, regexp_extract({column}, '{ID}'), md5(regexp_extract({column}, '{ID}') || k))"
    if pii is Pii.PSEUDONYM:
        return f"CASE WHEN k = 0 OR NOT regexp_matches({column}, '{ID}') THEN {column} ELSE {renamed} END"
    moved = (
        f"regexp_replace({column}, '\\.\\d+$', '') || '.' || "
        f"((split_part({column}, '.', 4)::INTEGER + k * 7) % 254 + 1)::VARCHAR"
    )
    return (
        f"CASE WHEN k = 0 OR coalesce({column}, '') = '' THEN {column} "
        f"WHEN {column} IN (SELECT user_name FROM known) THEN {column} || '.' || k "
        f"WHEN regexp_matches({column}, '{ADDRESS}') THEN {moved} "
        f"WHEN regexp_matches({column}, '{ID}') THEN {renamed} "
        f"ELSE replace({column}, '@', '.' || k || '@') END"
    )
