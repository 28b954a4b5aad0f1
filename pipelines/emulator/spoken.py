"""Values as people write them, into what a column stores: labels of choices, names of records, times of a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pipelines.emulator.clock import WIRE
from pipelines.emulator.store import Store


def spoken(store: Store, table: str, column: str, value: str, zone: ZoneInfo | None = None) -> str:
    """The stored value that `value` stands for, else `value` itself; times are read in `zone` where one is given."""
    schema = store.schemas[table]
    kind = schema.type_of(column)
    if kind == "choice":
        labels = {label.lower(): stored for stored, label in schema.choices.get(column, {}).items()}
        return labels.get(value.lower(), value)
    if kind.startswith("reference:"):
        return _referred(store, kind.removeprefix("reference:"), value)
    return _utc(value, zone) if zone is not None and kind in ("glide_date_time", "due_date") else value


def _referred(store: Store, target: str, value: str) -> str:
    """The record of that display value; accounts answer to their user name as well."""
    schema = store.schemas.get(target)
    if schema is None or not value:
        return value
    names = [
        c for c in ("sys_id", schema.display, *(("user_name",) if target == "sys_user" else ())) if c in schema.columns
    ]
    for name in names:
        if found := store.rows(f'SELECT sys_id FROM "{target}" WHERE "{name}" = ? LIMIT 1', [value]):
            return str(found[0][0])
    return value


def _utc(value: str, zone: ZoneInfo) -> str:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=zone).astimezone(UTC).strftime(WIRE)
    except ValueError:
        return value
