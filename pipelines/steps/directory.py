"""Read the identity provider beside the instance: part of the extract step, and never a reason for it to fail."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts import contract
from pipelines.lake import Lease
from pipelines.settings import Settings
from pipelines.sources.entra import (
    DELETED_USER,
    USER,
    DirectoryRead,
    EntraCheck,
    EntraConnection,
    Graph,
    Snapshot,
    check_entra,
    missing_settings,
    read_directory,
)
from pipelines.steps.night import Night, StepRow, timed

WHOLE_EVERY = timedelta(days=7)  # changes are carried on for a week, then everything is read again
OWN_MORNING = timedelta(hours=36)  # a snapshot this long after its day says less of the day than the one it has

SCHEMA = (
    """CREATE TABLE directory_delta (
        instance TEXT PRIMARY KEY, tenant TEXT NOT NULL, link TEXT NOT NULL, day TEXT NOT NULL,
        content_hash TEXT NOT NULL, whole_day TEXT NOT NULL)""",
)


def read_identity(night: Night, lease: Lease, now: datetime) -> tuple[list[StepRow], list[dict[str, Any]]]:
    """(rows of the run, rows of `out__table_state`); none where no identity provider is configured.

    `now` is the instance's clock: the one that activities are held against.
    """
    if absent := missing_settings(_three(night.settings)):
        return _unread(night, f"{absent} is not set")
    connection = entra_connection(night.settings)
    if connection is None:
        return [], []
    night.store.migrate("directory_delta", SCHEMA)
    with timed() as spent, Graph(connection) as graph:
        previous = _previous(night, connection.tenant_id)
        got = read_directory(graph, night.instance, night.last, now, previous)
    is_kept = _has_its_own(night, USER, now)
    rows = _land(night, lease, got, now, spent[0])
    if got.delta_link and not is_kept:
        _remember(night, connection.tenant_id, got)
    return rows, [
        _state(night, name.table.name, name.state, name.reason, name.rows, name.missing_columns, now)
        for name in got.tables
    ]


def entra_connection(settings: Settings) -> EntraConnection | None:
    """None where the three settings are not all there. A private authority vouches for addresses that we were told of."""
    if not all(_three(settings).values()) or settings.entra_client_secret is None:
        return None
    defaults = {name: Settings.model_fields[name].default for name in ("entra_authority", "graph_url")}
    is_microsoft = (
        settings.entra_authority == defaults["entra_authority"] and settings.graph_url == defaults["graph_url"]
    )
    return EntraConnection(
        tenant_id=settings.entra_tenant_id,
        client_id=settings.entra_client_id,
        client_secret=settings.entra_client_secret,
        authority=settings.entra_authority.rstrip("/"),
        graph_url=settings.graph_url.rstrip("/"),
        ca_bundle=None if is_microsoft else settings.ca_bundle,
    )


def identity_check(settings: Settings) -> EntraCheck:
    """What `nowguard check` says of the identity provider."""
    return check_entra(entra_connection(settings), missing_settings(_three(settings)))


def _three(settings: Settings) -> dict[str, object]:
    names = ("entra_tenant_id", "entra_client_id", "entra_client_secret")
    return {name: getattr(settings, name) for name in names}


def _land(night: Night, lease: Lease, got: DirectoryRead, now: datetime, seconds: float) -> list[StepRow]:
    """Each table that was read, as the partition of the run's last day."""
    rows = []
    for found in got.tables:
        name = found.table.name
        if found.rows is None:
            rows.append(StepRow("extract", name, night.last, found.state, 0, seconds, found.reason))
            continue
        if _has_its_own(night, name, now):
            rows.append(StepRow("extract", name, night.last, "unchanged", 0, seconds, "the day's own snapshot is kept"))
            continue
        part = night.lake.replace(lease, found.table, night.instance, night.last, found.rows)
        how = "" if got.is_whole or name != USER else "by changes"
        night.progress.done(name, f"  {name.removeprefix('raw_'):<22} {part.rows:>10,} rows {how}".rstrip())
        rows.append(
            StepRow("extract", name, night.last, "ok" if part.changed else "unchanged", part.rows, seconds, how)
        )
    return rows


def _has_its_own(night: Night, name: str, now: datetime) -> bool:
    """Whether the day was seen on its own morning and is only run again, much later."""
    end = datetime.combine(night.last, datetime.min.time()) + timedelta(days=1)
    return now > end + OWN_MORNING and night.lake.partition(contract(name), night.instance, night.last) is not None


def _previous(night: Night, tenant: str) -> Snapshot | None:
    """The snapshot that the kept link belongs to; None where either is gone, another tenant's, or a week old."""
    table = contract(USER)
    kept = night.store.query(
        "SELECT link, day, content_hash, whole_day FROM directory_delta WHERE instance = ? AND tenant = ?",
        (night.instance, tenant),
    )
    if not kept:
        return None
    link, day, digest, whole = kept[0]
    held = date.fromisoformat(day)
    part = night.lake.partition(table, night.instance, held)
    if part is None or part.content_hash != digest or night.last - date.fromisoformat(whole) >= WHOLE_EVERY:
        return None
    files = night.lake.files(table, night.instance, [held])
    if not files:
        return None
    users = pa.concat_tables([pq.read_table(f, schema=table.arrow_schema(), partitioning=None) for f in files])
    return Snapshot(users, str(link))


def _remember(night: Night, tenant: str, got: DirectoryRead) -> None:
    """Keep the link with the snapshot that it continues."""
    part = night.lake.partition(contract(USER), night.instance, night.last)
    if part is None:
        return
    old = night.store.query("SELECT whole_day FROM directory_delta WHERE instance = ?", (night.instance,))
    whole = str(night.last) if got.is_whole or not old else str(old[0][0])
    with night.store.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO directory_delta VALUES (?, ?, ?, ?, ?, ?)",
            (night.instance, tenant, got.delta_link, str(night.last), part.content_hash, whole),
        )


def _unread(night: Night, reason: str) -> tuple[list[StepRow], list[dict[str, Any]]]:
    rows = [StepRow("extract", name, night.last, "failed", message=reason) for name in (USER, DELETED_USER)]
    return rows, [_state(night, row.table, "failed", reason, None, (), None) for row in rows]


def _state(
    night: Night,
    name: str,
    state: str,
    reason: str,
    rows: pa.Table | None,
    missing: tuple[str, ...],
    until: datetime | None,
) -> dict[str, Any]:
    """A row of `out__table_state`; the identity provider's tables are called `entra_user` and `entra_deleted_user`."""
    return {
        "instance": night.instance,
        "event_date": night.last,
        "table": name.removeprefix("raw_").replace("__", "_"),
        "state": state,
        "reason": reason,
        "missing_columns": list(missing),
        "hidden_rows": 0,
        "rows": rows.num_rows if rows is not None else 0,
        "complete_until": until,
    }
