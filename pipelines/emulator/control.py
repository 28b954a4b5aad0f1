"""The emulator's own side door: move the clock, script faults, take rights away. Not part of any ServiceNow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
import polars as pl

from pipelines.emulator.clock import WIRE
from pipelines.emulator.dispatch import Dispatcher
from pipelines.emulator.limits import RateRule
from pipelines.emulator.messages import Answer, new_id

PREFIX = "/__control__"
#: Methods that `POST /__control__/<name>` calls with the body's keys as arguments.
ACTIONS = (
    "deny_table", "allow_table", "hide_rows", "hide_column", "refuse_ranges", "grant_only", "drop_table", "set_property", "rate_rule", "expire_tokens", "load",
)  # fmt: skip


class Control:
    """In-process; `answer` serves the same over HTTP below `/__control__`."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.instance = dispatcher.instance

    def now(self) -> datetime:
        return self.instance.clock.now()

    def set_now(self, now: datetime) -> None:
        self.instance.clock.set(now)
        self.instance.store.settle()

    def advance(self, by: timedelta) -> datetime:
        now = self.instance.clock.advance(by)
        self.instance.store.settle()
        return now

    def add_fault(self, kind: str, **options: Any) -> None:
        """`kind` of `faults.KINDS`; options: table, path, first, times, seconds, offset, as_date, column."""
        self.instance.faults.add(kind, **options)

    def clear_faults(self) -> None:
        self.instance.faults.clear()

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far: number, method, path, query, status, fault, user, whether it carried a cookie, virtual time."""
        return list(self.dispatcher.log)

    def deny_table(self, table: str, how: Literal["empty", "forbidden"] = "empty") -> None:
        """Readers get no rows (still counted), or 403."""
        self.instance.acl.denied[table] = how

    def allow_table(self, table: str) -> None:
        """Take that back."""
        self.instance.acl.denied.pop(table, None)

    def hide_rows(self, table: str, query: str) -> None:
        """Rows that match the encoded query are counted and not shown."""
        self.instance.acl.hidden_rows[table] = query

    def hide_column(self, table: str, column: str) -> None:
        """The column is absent from every object that a reader gets."""
        self.instance.acl.hidden_columns.setdefault(table, set()).add(column)

    def grant_only(self, user: str, columns: Mapping[str, Iterable[str]]) -> None:
        """The account's role opens exactly these columns of these tables; whatever else it had is taken away."""
        self.instance.acl.readers.discard(user.lower())
        self.instance.acl.granted[user.lower()] = {table: frozenset(names) for table, names in columns.items()}

    def refuse_ranges(self, table: str, column: str) -> None:
        """As a query ACL does: ranges and sorting on the column are dropped from readers' queries."""
        self.instance.acl.no_ranges.setdefault(table, set()).add(column)

    def drop_table(self, table: str) -> None:
        """As on an instance without the plugin: 400 Invalid table."""
        self.instance.store.schemas.pop(table, None)

    def set_property(self, name: str, value: str) -> None:
        """A row of `sys_properties`."""
        found = self.instance.store.rows('SELECT sys_id FROM "sys_properties" WHERE name = ?', [name])
        if found:
            self.instance.store.update("sys_properties", found[0][0], {"value": value})
        else:
            self.instance.store.insert(
                "sys_properties", {"sys_id": new_id(), "name": name, "value": value, "type": "string"}
            )

    def rate_rule(self, limit: int, user: str = "") -> None:
        """At most `limit` requests in a clock hour, for one user or for everybody together."""
        self.instance.limits.rules.append(RateRule(limit, user))

    def expire_tokens(self) -> None:
        """End every access token now; refresh tokens stay."""
        self.dispatcher.accounts.expire()

    def load(self, table: str, rows: Iterable[Mapping[str, str]] | pl.DataFrame) -> None:
        """Add rows as stored; `_visible_at` says from when a late one can be read. A new table is made where there is none."""
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame([dict(r) for r in rows])
        self.instance.store.load(table, frame)

    # -- over HTTP

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        name = path.removeprefix(PREFIX).strip("/")
        try:
            given = orjson.loads(body) if body.strip() else {}
            return Answer(200, orjson.dumps(self._act(method, name, given), default=str))
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, orjson.dumps({"error": f"{type(error).__name__}: {error}"}))

    def _act(self, method: str, name: str, given: dict[str, Any]) -> Any:
        if name == "now":
            if method == "POST":
                self.set_now(
                    datetime.strptime(given["now"], WIRE)  # noqa: DTZ007  # UTC, as every instant here
                    if "now" in given
                    else self.now() + timedelta(seconds=given["seconds"])
                )  # UTC
            return {"now": self.instance.clock.wire()}
        if name == "faults":
            if method == "DELETE":
                self.clear_faults()
            elif method == "POST":
                self.add_fault(given.pop("kind"), **given)
            return {"faults": self.instance.faults.listed()}
        if name == "requests":
            return {"requests": self.requests()}
        if name not in ACTIONS:
            raise KeyError(name)
        getattr(self, name)(**given)
        return {"done": name}
