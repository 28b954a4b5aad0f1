"""From stored text to what the API shows: three display modes, reference links, the caller's time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.emulator.query_sql import Compiler
from pipelines.emulator.store import Store

MASK = "********"
_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d"}  # of a user's date format


class Renderer:
    """For one request: the mode, the link prefix and the caller's zone."""

    def __init__(self, store: Store, user: dict[str, str], base_url: str, *, display: str, exclude_links: bool) -> None:
        self.store = store
        self.base_url = base_url
        self.mode = display.lower() if display.lower() in ("true", "all") else "false"
        self.exclude_links = exclude_links
        self.zone = zone_of(user)
        self.date_format = _date_format(user.get("date_format", ""))
        self._labels: dict[tuple[str, str], str] = {}

    def rows(
        self, table: str, paths: Sequence[str], found: list[tuple[Any, ...]], compiler: Compiler
    ) -> list[dict[str, Any]]:
        """Objects in the order of `paths`; plain text takes the short way."""
        kinds = [compiler.type_of(path, table) for path in paths]
        if self.mode == "false":
            special = [
                i
                for i, kind in enumerate(kinds)
                if kind in ("password", "journal") or (kind.startswith("reference:") and not self.exclude_links)
            ]
            if not special:
                return [dict(zip(paths, row, strict=True)) for row in found]
        shown = [
            self._column(kind, [row[at] for row in found], table, path)
            for at, (path, kind) in enumerate(zip(paths, kinds, strict=True))
        ]
        return [dict(zip(paths, row, strict=True)) for row in zip(*shown, strict=True)]

    def _column(self, kind: str, values: list[str], table: str, path: str) -> list[Any]:
        """Every different value is rendered once: the answer holds the same object wherever it recurs."""
        made = {value: self.value(kind, value, table, path) for value in set(values)}
        return [made[value] for value in values]

    def value(self, kind: str, value: str, table: str, path: str) -> Any:
        if kind.startswith("reference:"):
            return self._reference(kind.removeprefix("reference:"), value)
        if kind == "password":
            value = MASK if value else ""
        if self.mode == "false":
            return "" if kind == "journal" else value
        shown = self._shown(kind, value, table, path)
        if self.mode == "true":
            return shown if shown is not None else ""
        return {"display_value": shown, "value": value}

    def _shown(self, kind: str, value: str, table: str, path: str) -> str | None:
        if kind == "choice":
            label = self.store.schemas[table].choices.get(path.rpartition(".")[2], {}).get(value)
            return label if label is not None else (value or None)
        if kind == "integer":
            return f"{int(value):,}" if value.lstrip("-").isdigit() else value
        if kind == "due_date" and not value:
            return "UNKNOWN"
        if kind in ("glide_date_time", "due_date"):
            return self._local(value)
        if kind == "glide_date":
            return self._formatted(value)
        return value

    def _local(self, value: str) -> str:
        """A stored UTC time in the caller's zone and format."""
        try:
            moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            return value
        return moment.astimezone(self.zone).strftime(f"{self.date_format} %H:%M:%S")

    def _formatted(self, value: str) -> str:
        try:
            return datetime.fromisoformat(value).strftime(self.date_format)
        except ValueError:
            return value

    def _reference(self, target: str, value: str) -> Any:
        if not value:
            return {"display_value": "", "value": ""} if self.mode == "all" else ""
        link = {} if self.exclude_links else {"link": f"{self.base_url}/api/now/table/{target}/{value}"}
        if self.mode == "false":
            return {**link, "value": value} if link else value
        label = self._label(target, value)
        if self.mode == "true":
            return {"display_value": label, **link} if link else label
        return {"display_value": label, **link, "value": value}

    def _label(self, target: str, value: str) -> str:
        if (target, value) not in self._labels:
            schema = self.store.schemas.get(target)
            shown = value
            if schema is not None and schema.display in schema.columns:
                found = self.store.rows(f'SELECT "{schema.display}" FROM "{target}" WHERE sys_id = ?', [value])
                shown = found[0][0] if found else ""
            self._labels[target, value] = shown
        return self._labels[target, value]


def _date_format(pattern: str) -> str:
    for part, code in _PARTS.items():
        pattern = pattern.replace(part, code)
    return pattern if all(code in pattern for code in _PARTS.values()) else "%Y-%m-%d"


def zone_of(user: Mapping[str, str]) -> ZoneInfo:
    """The caller's time zone; the platform's system zone where a user has none."""
    try:
        return ZoneInfo(user.get("time_zone", "") or "US/Pacific")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
