"""Derive activities, accounts and identities for every day whose raw rows, lists or location data changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb

from pipelines import conform as deriving
from pipelines.contracts import contract, registry, sources
from pipelines.contracts.table import Table
from pipelines.enrich import Enricher
from pipelines.lake import Lease
from pipelines.lake.writer import write_rows
from pipelines.steps.night import Night, StepRow, revision_of, timed
from pipelines.steps.validate import judge
from pipelines.window import DAY, days_between

ACTIVITY, USER, IDENTITY = "core__activity", "core__user", "core__identity"
BIG_DAY = 1_000_000  # raw rows
DIRECTORY = ("raw_entra__user", "raw_entra__deleted_user")  # snapshots of the identity provider


def conform(night: Night, lease: Lease) -> list[StepRow]:
    """Write `core__user`, `core__identity` and `core__activity` for stale days, then judge them."""
    enricher = enricher_of(night)
    rows = derive_days(night, lease, list(_stale(night, enricher)), enricher)
    judged, failures = judge(night, lease, [contract(ACTIVITY), contract(USER), contract(IDENTITY)], "conform")
    if failures:
        raise failures[0]
    return [*rows, *judged]


def _stale(night: Night, enricher: Enricher) -> Iterator[tuple[date, str]]:
    """Days to derive, in order, and what their rows are made from."""
    recent = night.first - timedelta(days=night.settings.look_back_days + 1)
    for day in night.landed_days():
        before = _fingerprint(night, day, enricher)
        held = night.lake.partition(contract(ACTIVITY), night.instance, day)
        said, _, edge = held.inputs.partition(" ") if held else ("", "", "")
        is_fresh = said == before and not night.asked_for(day)
        if is_fresh and day < recent:
            continue
        now = _edge(night, day)
        if not is_fresh or edge != now:
            yield day, f"{before} {now}"


def _edge(night: Night, day: date) -> str:
    """What of the day after midnight belongs to actions before it: all that a later day can change of this one."""
    if day >= night.last:
        return ""
    with night.connect() as con:
        for name, (_, after) in deriving.REQUIRED.items():
            if after:
                night.lake.view(con, registry()[name], night.instance, [day, day + DAY], name=name)
        return deriving.edge(con, day)


def enricher_of(night: Night) -> Enricher:
    settings = night.settings
    return Enricher(
        geo_db=settings.geo_db,
        asn_db=settings.asn_db,
        ip_lists=settings.ip_lists,
        look_back=timedelta(days=settings.ip_list_look_back_days),
    )


def derive_days(night: Night, lease: Lease, stale: Sequence[tuple[date, str]], enricher: Enricher) -> list[StepRow]:
    """Days side by side, each with its share of the memory; no day needs another's rows."""
    rows: list[StepRow] = []
    at_once = _at_once(night, [day for day, _ in stale])
    reads_directory = any(night.lake.days(contract(name), night.instance) for name in DIRECTORY)
    with night.spool() as spool, ThreadPoolExecutor(at_once, thread_name_prefix="conform") as pool:
        derive = partial(_derive, night, enricher, reads_directory, spool)
        for start in range(0, len(stale), at_once):
            together = stale[start : start + at_once]
            with ExitStack() as stack:
                # opened here, as the ledger belongs to this thread
                cons = [stack.enter_context(_opened(night, day, at_once)) for day, _ in together]
                found = pool.map(derive, [day for day, _ in together], cons)
                for (day, inputs), derived in zip(together, found, strict=True):
                    rows += _land(night, lease, day, inputs, derived)
    return rows


def _at_once(night: Night, days: Sequence[date]) -> int:
    """As many days as there are threads; one where a day's share of the memory would have it work on disk, a tenth slower."""
    logs = [night.lake.ledger.rows_by_day(night.instance, name) for name in deriving.REQUIRED]
    most = max((sum(log.get(day, 0) for log in logs) for day in days), default=0)
    return 1 if most > BIG_DAY else min(night.settings.threads, len(days)) or 1


@contextmanager
def _opened(night: Night, day: date, sharing: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """Views of the raw rows that a day is derived from."""
    with night.connect(sharing) as con:
        for table, days in _days_to_read(night, day).items():
            _view_without_quarantine(night, con, table, days)
            if table.time_column == "" and days:
                before = night.latest_before(table, days[0])
                if before:
                    night.lake.view(con, table, night.instance, before, name=f"{table.name}__previous")
        yield con


@dataclass(frozen=True)
class Derived:
    """One day's files by table, in the order of their making."""

    files: Mapping[str, Path]
    seconds: float
    matched: str = ""  # how many accounts the identity provider knows, where it was read


def _derive(
    night: Night, enricher: Enricher, reads_directory: bool, spool: Path, day: date, con: duckdb.DuckDBPyConnection
) -> Derived:
    """Accounts, identities where the identity provider was ever read, activities. Asks the ledger nothing."""
    files: dict[str, Path] = {}

    def keep(name: str, data: duckdb.DuckDBPyRelation) -> None:
        files[name] = write_rows(contract(name), data, spool)
        con.read_parquet(str(files[name])).create_view(name, replace=True)

    matched = ""
    with timed() as spent:
        keep(USER, deriving.users(con, night.instance, day))
        if reads_directory:
            keep(IDENTITY, deriving.identities(con, night.instance, day))
            states = con.execute(f"SELECT match_state, count(*) FROM {IDENTITY} GROUP BY 1 ORDER BY 1").fetchall()
            matched = ", ".join(f"{count:,} {state}" for state, count in states)
        found = deriving.activities(con, night.instance, day, own_user_names=own_names(night))
        keep(ACTIVITY, enricher.apply(con, found))
    return Derived(files, spent[0], matched)


def _land(night: Night, lease: Lease, day: date, inputs: str, derived: Derived) -> Iterator[StepRow]:
    for name, path in derived.files.items():
        part = night.lake.replace(lease, contract(name), night.instance, day, [path], inputs=inputs)
        state = "ok" if part.changed else "unchanged"
        message, seconds = derived.matched if name == IDENTITY else "", derived.seconds if name == ACTIVITY else 0.0
        yield StepRow("conform", name, day, state, part.rows, seconds, message)


def own_names(night: Night) -> tuple[str, ...]:
    """Accounts of this product: their activity is marked and never alerts."""
    return (night.settings.username,) if night.settings.username else ()


def _days_to_read(night: Night, day: date) -> dict[Table, list[date]]:
    """Context days around `day` for logs; the snapshot nearest after the day for slow tables."""
    found: dict[Table, list[date]] = {}
    for name, (before, after) in deriving.REQUIRED.items():
        table = registry()[name]
        found[table] = days_between(day - before * DAY, min(day + after * DAY, night.last))
    snapshots = [t for t in sources().values() if t.source is not None and t.source.mode == "snapshot"]
    for table in (*snapshots, *(contract(name) for name in DIRECTORY)):
        found[table] = snapshot_day(night, table, day)
    return found


def snapshot_day(night: Night, table: Table, day: date) -> list[date]:
    """The snapshot taken on the day, else the next one after it (state is then reconstructed), else the last before."""
    held = [d for d in night.lake.days(table, night.instance) if d <= night.last]
    later = [d for d in held if d >= day]
    return later[:1] or held[-1:]


def _view_without_quarantine(night: Night, con: duckdb.DuckDBPyConnection, table: Table, days: list[date]) -> None:
    """The raw view less the rows that validation set aside."""
    quarantine = contract("out__quarantine")
    refused = [
        d for d, rows in night.lake.ledger.rows_by_day(night.instance, quarantine.name).items() if rows and d in days
    ]
    if not refused:
        night.lake.view(con, table, night.instance, days, name=table.name)
        return
    from pipelines.quality import accept

    night.lake.view(con, quarantine, night.instance, refused, name="set_aside")
    night.lake.view(con, table, night.instance, days, name=f"{table.name}__all")
    accept(con, table, f"{table.name}__all", "set_aside", table.name)


def _fingerprint(night: Night, day: date, enricher: Enricher) -> str:
    """Everything up to the day's end that decides its activities."""
    parts = [
        night.lake.fingerprint([table], night.instance, [d for d in days if d <= day or table.time_column == ""])
        for table, days in _days_to_read(night, day).items()
    ]
    quarantine = night.lake.fingerprint([contract("out__quarantine")], night.instance, [day])
    shapes = [contract(name).columns for name in (ACTIVITY, USER)]  # rows of an older shape are derived again
    return revision_of(parts, quarantine, enricher.revision_of(day), own_names(night), shapes)
