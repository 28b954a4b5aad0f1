"""The policies of one day, side by side: each thread has a cursor of one DuckDB over the partitions that they read.

Planning a policy costs DuckDB 0.02 to 0.2 s on one core, whatever the day's size, and opening another database as much: so
they share one, with its threads and its memory. A user's query is locked in a database of its own, and a user's policy that
fails is reported and stops no other.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb

from pipelines import features, policies
from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.errors import UsageError
from pipelines.policies import Policy, Seen
from pipelines.policies.user import Problem
from pipelines.policies.user.locked import lock
from pipelines.steps.night import Night, timed
from pipelines.window import days_between

Evaluated = tuple[Policy, Seen | Problem, float]


def evaluate_all(
    night: Night, con: duckdb.DuckDBPyConnection, day: date, chosen: Mapping[str, Policy]
) -> list[Evaluated]:
    """(policy, what it saw or why it could not, seconds), in the order of `chosen`; `con` has shared views of `days_to_read`."""
    for policy in chosen.values():
        policies.prepare(policy, sensitivity=night.settings.sensitivity)
    threads = min(night.settings.threads, len(chosen)) or 1
    with ExitStack() as stack:
        free: queue.SimpleQueue[duckdb.DuckDBPyConnection] = queue.SimpleQueue()
        for _ in range(threads):
            free.put(stack.enter_context(con.cursor()))
        confined = {  # opened here, as the ledger belongs to this thread
            id_: stack.enter_context(_confined(night, day, policy)) for id_, policy in chosen.items() if policy.query
        }

        def evaluated(policy: Policy) -> Evaluated:
            cursor = free.get()
            try:
                with timed() as spent:
                    result = _evaluate(night, confined.get(policy.id, cursor), day, policy)
            finally:
                free.put(cursor)
            return policy, result, spent[0]

        with ThreadPoolExecutor(threads, thread_name_prefix="policy") as pool:
            return list(pool.map(evaluated, chosen.values()))


def days_to_read(night: Night, day: date, chosen: Mapping[str, Policy]) -> dict[Table, list[date]]:
    """The day and the policies' look-back; a state as of the end of the day before."""
    found = {
        table: night.latest_before(table, day)
        if table.layer == "state"
        else days_between(policies.first_day(day, back), day)
        for table, back in _reads(chosen).items()
    }
    for table in [*features.order(), contract("core__user"), contract("core__activity")]:
        if table not in found:
            found[table] = night.latest_before(table, day) if table.layer == "state" else [day]
    return found


def _reads(chosen: Mapping[str, Policy]) -> dict[Table, timedelta]:
    """Every table the policies read, with the longest look-back that any of them needs."""
    needed: dict[Table, timedelta] = {}
    for policy in chosen.values():
        for name in policy.reads:
            table = contract(name)
            needed[table] = max(needed.get(table, timedelta(0)), policy.lookback)
    return needed


@contextmanager
def _confined(night: Night, day: date, policy: Policy) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for a user's query: one thread's share of memory, the files that the policy reads and no others."""
    paths: list[Path] = []
    with night.connect(sharing=night.settings.threads) as con:
        for table, days in days_to_read(night, day, {policy.id: policy}).items():
            night.lake.view(con, table, night.instance, days)  # a query finds its tables in `temp`
            paths += night.lake.files(table, night.instance, days)
        lock(con, paths)
        yield con


def _evaluate(night: Night, con: duckdb.DuckDBPyConnection, day: date, policy: Policy) -> Seen | Problem:
    """What the policy saw. A policy of the user's that fails is said to be blind and stops no other."""
    sensitivity = night.settings.sensitivity
    if not policy.path:
        return policies.see(policy, con, night.instance, day, sensitivity=sensitivity)
    try:
        return policies.see(policy, con, night.instance, day, sensitivity=sensitivity)
    except Exception as error:  # noqa: BLE001  # whatever the user's policy raises is about the user's policy
        cause, remedy = (
            (error.cause, error.remedy) if isinstance(error, UsageError) else (f"{error}", "correct the policy")
        )
        return Problem(policy.id, policy.path, 1, f"{type(error).__name__}: {cause}", remedy)
