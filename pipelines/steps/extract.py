"""Read new and late rows over HTTP and land them: the only step that talks to the instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pipelines.contracts import contract, sources
from pipelines.contracts.table import Table, empty
from pipelines.errors import AccessDenied, SourceUnavailable
from pipelines.lake import Lease
from pipelines.settings import Settings
from pipelines.sources.servicenow import Connection, Extracted, Pace, ReadRequest, ServiceNow
from pipelines.steps.directory import entra_connection, read_identity
from pipelines.steps.night import Night, StepRow
from pipelines.window import DAY, Window, days_between

#: What every other table is joined to: without it nothing can be said of the day.
INDISPENSABLE = ("sysevent", "sys_user")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be read: one request per table."""

    requests: tuple[ReadRequest, ...]
    now: datetime


def plan(night: Night, now: datetime) -> Plan:
    """Windows by the ledger: new days, the look-back for late rows, the whole history at first contact."""
    requests = []
    for table in sources().values():
        assert table.source is not None
        if table.source.mode == "snapshot":
            requests.append(ReadRequest(table, day=night.last))
        else:
            first = _first_day(night, table, now)
            window = Window.of_days(first, night.last).clip(now - night.settings.settle)
            if window.start < window.end:
                requests.append(ReadRequest(table, window=window))
    return Plan(tuple(requests), now)


def _first_day(night: Night, table: Table, now: datetime) -> date:
    """Where reading starts, relative to the run's first day and never before what the instance still holds."""
    assert table.source is not None
    held = [day for day in night.lake.days(table, night.instance) if day <= night.last]
    if held:
        start = min(night.first - timedelta(days=night.settings.look_back_days), max(held) + DAY)
    else:
        # never less than the look-back: a second run would land days that the first did not, and say something else
        reach = min(table.source.history_days or night.settings.back_fill_days, night.settings.back_fill_days)
        start = night.first - timedelta(days=max(reach, night.settings.look_back_days))
    if table.source.history_days:
        # the oldest shard is dropped while we read: a day that is half gone must not replace a whole one
        oldest = now.date() - timedelta(days=table.source.history_days - 1)
        start = max(start, oldest if held else oldest - DAY)
    return min(start, night.last)


def extract(night: Night, lease: Lease) -> list[StepRow]:
    """Land every table that the account may read; one that it may not is reported and the run goes on."""
    rows: list[StepRow] = []
    states: list[dict[str, Any]] = []
    with night.spool() as spool, ServiceNow(connection_of(night.settings), pace_of(night.settings)) as source:
        todo = plan(night, source.now())
        windows = {r.table.name: r.window for r in todo.requests}
        for got in source.read_many(todo.requests, spool, night.progress):
            rows += _land(night, lease, got, windows[got.table.name])
            states.append(_state(night, got))
            night.progress.done(got.table.name, _line(got))
    found, said = read_identity(night, lease, todo.now)
    _record_states(night, lease, [*states, *said])
    _refuse_nothing(states)
    return [*rows, *found]


def _land(night: Night, lease: Lease, got: Extracted, window: Window | None) -> list[StepRow]:
    """One partition per day of the window; a day without rows is landed empty: it was looked at."""
    name = got.table.name
    if got.state != "ok":
        return [StepRow("extract", name, night.last, got.state, 0, got.seconds, got.reason)]
    rows = []
    for day in _days_to_land(night, got, window):
        parts = got.parts.get(day)
        part = night.lake.replace(lease, got.table, night.instance, day, parts or empty(got.table))
        state = ("ok" if part.rows else "empty") if part.changed else "unchanged"
        message = _gaps(got) if day == night.last else ""
        rows.append(StepRow("extract", name, day, state, part.rows, got.seconds, message))
    return rows


def _days_to_land(night: Night, got: Extracted, window: Window | None) -> list[date]:
    """Every day of the window, but for the empty ones at the start of a first back-fill: nothing was there to look at."""
    if window is None:
        return [night.last]
    oldest = min(night.first - timedelta(days=night.settings.look_back_days), *got.parts, night.first)
    return sorted({*(day for day in window.days() if day >= oldest), *got.parts})


def _gaps(got: Extracted) -> str:
    notes = []
    if got.hidden_rows:
        notes.append(f"{got.hidden_rows:,} rows are hidden from the account by ACLs")
    if got.missing_columns:
        notes.append(f"columns not readable: {', '.join(got.missing_columns)}")
    return "; ".join(notes)


def _line(got: Extracted) -> str:
    name = got.table.name.removeprefix("raw_servicenow__")
    if got.state != "ok":
        return f"  {name:<22} {got.state}: {got.reason}"
    rate = got.rows / got.seconds if got.seconds > 0.05 else 0
    gaps = _gaps(got)
    return f"  {name:<22} {got.rows:>10,} rows {rate:>9,.0f} rows/s  {got.pages:>4} pages" + (
        f"  ({gaps})" if gaps else ""
    )


def _state(night: Night, got: Extracted) -> dict[str, Any]:
    return {
        "instance": night.instance,
        "event_date": night.last,
        "table": got.table.source.table if got.table.source else got.table.name,
        "state": got.state,
        "reason": got.reason,
        "missing_columns": list(got.missing_columns),
        "hidden_rows": got.hidden_rows,
        "rows": got.rows,
        "complete_until": got.complete_until,
    }


def _record_states(night: Night, lease: Lease, states: list[dict[str, Any]]) -> None:
    """`out__table_state`: what coverage is judged by, kept with the day."""
    import pyarrow as pa

    table = contract("out__table_state")
    for day in night.days:
        rows = [{**state, "event_date": day} for state in states]
        night.lake.replace(lease, table, night.instance, day, pa.Table.from_pylist(rows, schema=table.arrow_schema()))


def _refuse_nothing(states: list[Mapping[str, Any]] | list[dict[str, Any]]) -> None:
    """A run that could read nothing at all is an error, not a quiet day."""
    if any(state["state"] == "ok" for state in states):
        return
    reasons = "; ".join(sorted({f"{s['table']}: {s['reason']}" for s in states})[:3])
    if all(state["state"] == "denied" for state in states):
        raise AccessDenied(
            f"the account may read none of the tables ({reasons})", remedy="grant it the role of docs/howto/connect.md"
        )
    raise SourceUnavailable(f"no table could be read ({reasons})", remedy="run `nowguard check`")


def connection_of(settings: Settings) -> Connection:
    """The settings that reach the instance; a refresh token left by `nowguard connect` replaces the password."""
    from pipelines.sources.servicenow import stored_token
    from pipelines.steps.night import require_instance

    require_instance(settings)
    token = settings.refresh_token or stored_token(settings.token_file)
    return Connection(
        url=settings.instance_url.rstrip("/"),
        instance=settings.instance,
        auth=settings.auth,
        username=settings.username,
        password=settings.password,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        refresh_token=token,
        ca_bundle=settings.ca_bundle,
    )


def pace_of(settings: Settings) -> Pace:
    return Pace(workers=settings.workers, page_size=settings.page_size, settle=settings.settle)


def planned(night: Night, now: datetime) -> list[tuple[str, str, str, int]]:
    """(table, mode, window, days): what `--dry-run` prints."""
    directory = [("entra_user", "snapshot", str(night.last), 1), ("entra_deleted_user", "snapshot", str(night.last), 1)]
    return [
        (
            r.table.name.removeprefix("raw_servicenow__"),
            "snapshot" if r.window is None else "append",
            str(r.day) if r.window is None else f"{r.window.start:%Y-%m-%d %H:%M} to {r.window.end:%Y-%m-%d %H:%M}",
            1 if r.window is None else len(days_between(r.window.start.date(), r.window.end.date())),
        )
        for r in plan(night, now).requests
    ] + (directory if entra_connection(night.settings) else [])
