"""From stored text to what the API shows: three display modes, reference links, the caller's time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.emulator.clock import WIRE
from pipelines.emulator.query_sql import Compiler
from pipelines.emulator.store import Store

MASK = "********"
DEFAULT_FORMAT = "%Y-%m-%d %H:%M:%S"


class Renderer:
    """For one request: the mode, the link prefix and the caller's zone."""

    def __init__(self, store: Store, user: dict[str, str], base_url: str, *, display: str, exclude_links: bool) -> None:
        self.store = store
        self.base_url = base_url
        self.mode = display.lower() if display.lower() in ("true", "all") else "false"
        self.exclude_links = exclude_links
        self.zone = _zone(user.get("time_zone", ""))
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
        return [
            {path: self.value(kind, value, table, path) for path, kind, value in zip(paths, kinds, row, strict=True)}
            for row in found
        ]

    def value(self, kind: str, value: str, table: str, path: str) -> Any:
        if kind.startswith("reference:"):
            return self._reference(kind.removeprefix("reference:"), value)
        if self.mode == "false":
            return "" if kind == "journal" else value
        shown = self._shown(kind, value, table, path)
        if self.mode == "true":
            return shown if shown is not None else ""
        return {"display_value": shown, "value": value}

    def _shown(self, kind: str, value: str, table: str, path: str) -> str | None:
        if kind == "password":
            return MASK if value else ""
        if kind == "choice":
            label = self.store.schemas[table].choices.get(path.rpartition(".")[2], {}).get(value)
            return label if label is not None else (value or None)
        if kind == "integer":
            return f"{int(value):,}" if value.lstrip("-").isdigit() else value
        if kind == "glide_date_time":
            return self._local(value)
        return value

    def _local(self, value: str) -> str:
        """A stored UTC time in the caller's zone and format."""
        try:
            moment = datetime.strptime(value, WIRE).replace(tzinfo=ZoneInfo("UTC"))
        except ValueError:
            return value
        return moment.astimezone(self.zone).strftime(DEFAULT_FORMAT)

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


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "US/Pacific")  # the platform's system zone where a user has none
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
