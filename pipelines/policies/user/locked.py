"""Run a user's SELECT over the tables that it names and nothing else: no files, no settings, one statement, a minute at most.

The connection is locked for good before the query is seen, so it must be one of its own. Views over Parquet stay readable
because exactly their files are allowed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.table import Dtype, empty
from pipelines.errors import UsageError
from pipelines.policies.core import OPTIONAL, Policy, Scoping
from pipelines.policies.words import names_in
from pipelines.window import DAY

SECONDS = 60
MAX_ROWS = 10_000
#: What a query returns; the rest is filled in or becomes a fact.
WANTED = {
    "actor_user_uid": "VARCHAR", "actor_user_name": "VARCHAR", "first_seen": "TIMESTAMP", "last_seen": "TIMESTAMP",
    "evidence": "VARCHAR[]",
}  # fmt: skip
FILLED = ("evidence_count", "src_ips", "countries")
READABLE = ("core__activity", "core__user", "feat__user_day", "feat__travel_leg")


def lock(con: duckdb.DuckDBPyConnection, paths: Iterable[Path] = ()) -> None:
    """From here on `con` reads its own tables and the files of `paths`, and no setting of it can be changed."""
    allowed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    con.execute(f"SET allowed_paths = [{allowed}]")
    for setting in (
        "enable_external_access = false",
        "python_enable_replacements = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")


def is_locked(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(con.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0])


def run(policy: Policy, con: duckdb.DuckDBPyConnection, instance: str, day: date) -> tuple[pa.Table, tuple[str, ...]]:
    """(What the query saw on `day` in the columns of a detection, names of its facts).

    Raises `UsageError` with DuckDB's words where the query fails, is too slow or returns too much.
    """
    if not is_locked(con):
        lock(con)
    start = datetime.combine(day, time.min)
    query = f"{_narrowed(policy, instance, day)} SELECT * FROM (\n{policy.query}\n)"
    with _explained(), _stopped_in_time(con):
        columns = {str(r[0]): str(r[1]) for r in con.execute(f"DESCRIBE {query}").fetchall()}
        _check(columns)
        seen = con.sql(
            f"{_narrowed(policy, instance, day)}, found AS MATERIALIZED (SELECT row_number() OVER () AS n, * FROM (\n{policy.query}\n)),"
            f" filled AS ({_FILL}) SELECT {_selected(columns)} FROM found LEFT JOIN filled USING (n)"
            f" WHERE found.last_seen >= TIMESTAMP '{start}' AND found.last_seen < TIMESTAMP '{start + DAY}' {_in_scope(policy.scoping)}"
            f" ORDER BY ALL LIMIT {MAX_ROWS + 1}"
        ).to_arrow_table()
    if seen.num_rows > MAX_ROWS:
        raise UsageError(
            f"the query returns more than {MAX_ROWS:,} rows", remedy="group by user: one row per behaviour"
        )
    return seen, facts_of(columns)


#: Addresses and countries of the evidence, where the query does not return them itself.
_FILL = """
    SELECT e.n, list_sort(list_distinct(list(a.src_ip))) AS src_ips, list_sort(list_distinct(list(a.country))) AS countries
    FROM (SELECT n, unnest(evidence) AS activity_uid FROM found) e JOIN core__activity a USING (activity_uid) GROUP BY e.n
"""


def facts_of(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(c for c in columns if c not in WANTED and c not in FILLED and c not in OPTIONAL)


def describe(query: str, reads: Sequence[str]) -> dict[str, str]:
    """Columns and types that `query` returns over empty tables of the contracts; raises as `run` does."""
    statements = _statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("a policy is one SELECT", remedy="remove every other statement")
    con = duckdb.connect(config={"threads": "1"})
    for name in reads:
        con.register(name, empty(contract(name)))
    lock(con)
    with _explained():
        columns = {str(r[0]): str(r[1]) for r in con.execute(f"DESCRIBE SELECT * FROM (\n{query}\n)").fetchall()}
    _check(columns)
    return columns


def check_title(title: str, columns: Iterable[str]) -> None:
    """A title may speak of what the query returns, and of what every detection has."""
    known = {"actor", *WANTED, *FILLED, *OPTIONAL, *columns}
    try:
        if unknown := sorted(names_in(title) - known):
            raise UsageError(
                f"the title speaks of {unknown[0]}", remedy=f"return it, or choose from {', '.join(sorted(known))}"
            )
    except ValueError as error:
        raise UsageError(f"the title is no template: {error}", remedy="write {{ and }} for braces") from None


def _statements(query: str) -> list[duckdb.Statement]:
    with _explained():
        return list(duckdb.extract_statements(f"\n{query}"))  # lines counted as `describe` counts them


def _check(columns: dict[str, str]) -> None:
    for name, dtype in WANTED.items():
        if columns.get(name) != dtype:
            raise UsageError(
                f"the query returns {name} as {columns[name]}" if name in columns else f"the query returns no {name}",
                remedy=f"return {name} as {dtype}; docs/howto/write-a-policy.md has an example",
            )


def _narrowed(policy: Policy, instance: str, day: date) -> str:
    """WITH clauses that put the instance's rows of the look-back, less our own, in the place of each table."""
    quoted = instance.replace("'", "''")
    since = datetime.combine(day, time.min) - policy.lookback
    clauses = []
    for name in dict.fromkeys(["core__activity", *policy.reads]):
        where = f"instance = '{quoted}'"
        if name == "core__activity":
            where += f" AND NOT is_own AND time >= TIMESTAMP '{since}'"
        elif any(f.name == "event_date" and f.dtype is Dtype.DATE for f in contract(name).all_fields):
            where += f" AND event_date {'=' if name == 'core__user' else '<='} DATE '{day}'"
        clauses.append(f'"{name}" AS (SELECT * FROM temp."{name}" WHERE {where})')
    return "WITH " + ", ".join(clauses)


def _selected(columns: dict[str, str]) -> str:
    given = [f'found."{name}"' for name in WANTED]
    given.append("found.evidence_count" if "evidence_count" in columns else "len(found.evidence) AS evidence_count")
    given += [
        f"found.{name}" if name in columns else f"coalesce(filled.{name}, []) AS {name}"
        for name in ("src_ips", "countries")
    ]
    given += [f"found.{name}" if name in columns else f"NULL AS {name}" for name in OPTIONAL]
    return ", ".join(
        [*given, *(_fact(name, columns[name]) for name in facts_of(columns)), "NULL::VARCHAR AS suppressed_by"]
    )


def _fact(name: str, dtype: str) -> str:
    """DuckDB adds up in 128 bits, which a title cannot format."""
    return f'found."{name}"::BIGINT AS "{name}"' if dtype == "HUGEINT" else f'found."{name}"'


def _in_scope(scoping: Scoping) -> str:
    """Whom the policy judges; exclude wins, and a campaign without an actor is always judged."""
    if not scoping:
        return ""
    excluded = _within(scoping.exclude_users, scoping.exclude_groups)
    included = "true"
    if scoping.include_users or scoping.include_groups:
        included = _within(scoping.include_users, scoping.include_groups)
    return f"AND ((NOT {excluded} AND {included}) OR (found.actor_user_uid IS NULL AND found.actor_user_name IS NULL))"


def _within(users: frozenset[str], groups: frozenset[str]) -> str:
    names, ids = (", ".join("'" + m.replace("'", "''") + "'" for m in sorted(members)) for members in (users, groups))
    by_name = f"coalesce(found.actor_user_name IN ({names}), false)" if names else "false"
    by_group = (
        f"coalesce(found.actor_user_uid IN (SELECT user_uid FROM core__user WHERE list_has_any(group_uids, [{ids}])), false)"
        if ids
        else "false"
    )
    return f"({by_name} OR {by_group})"


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException:
        raise UsageError(
            f"the query took more than {SECONDS} s", remedy="narrow it, or shorten its look-back"
        ) from None
    except duckdb.Error as error:
        raise UsageError(" ".join(str(error).split()), remedy="correct the query") from None


@contextmanager
def _stopped_in_time(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    timer = threading.Timer(SECONDS, con.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
