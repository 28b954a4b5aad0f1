"""The server of `instance.py`, and reading from it with a pace that does not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from pipelines.contracts import contract
from pipelines.sources.servicenow import Connection, Extracted, Pace, ReadRequest, ServiceNow
from pipelines.window import Window
from tests.sources.instance import CLIENT, PASSWORD, SECRET, USER, Instance, log_rows, running

DAY = date(2026, 3, 9)
WINDOW = Window.of_day(DAY)
QUICK = Pace(workers=2, page_size=40, back_off_seconds=0.002, page_deadline_seconds=5, total_wait_seconds=20)


@pytest.fixture
def instance() -> Iterator[Instance]:
    """100 rows of `sysevent` on one day, some of them in the same second, and a few users."""
    users = [
        {"sys_id": f"b{n:031x}", "user_name": f"u{n}", "active": "true", "sys_created_on": "2026-01-01 00:00:00"}
        for n in range(55)
    ]
    with running(Instance({"sysevent": log_rows(100, ties=3), "sys_user": users, "sys_properties": []})) as found:
        yield found


def connection_to(instance: Instance, **changes: Any) -> Connection:
    base = Connection(instance.url, "acme", "oauth_password", USER, SecretStr(PASSWORD), CLIENT, SecretStr(SECRET))
    return replace(base, **changes)


def silent(table: str, rows: int, pages: int = 0) -> None:
    """Nobody watches."""


def read(
    instance: Instance,
    folder: Path,
    *tables: str,
    pace: Pace = QUICK,
    window: Window = WINDOW,
    connection: Connection | None = None,
) -> dict[str, Extracted]:
    """Results by ServiceNow table."""
    requests = []
    for name in tables or ("sysevent",):
        table = contract(f"raw_servicenow__{name}")
        assert table.source is not None
        requests.append(
            ReadRequest(table, window=window) if table.source.mode == "append" else ReadRequest(table, day=DAY)
        )
    with ServiceNow(connection or connection_to(instance), pace) as source:
        return {got.table.source.table: got for got in source.read_many(requests, folder, silent) if got.table.source}


def landed(got: Extracted) -> pa.Table:
    """All rows of a result, in the order of its parts."""
    parts = [pq.read_table(path) for day in sorted(got.parts) for path in got.parts[day]]
    return pa.concat_tables(parts) if parts else got.table.arrow_schema().empty_table()


def ids(got: Extracted) -> list[str]:
    return landed(got)["sys_id"].to_pylist()


def expected(
    instance: Instance, table: str = "sysevent", keep: Callable[[dict[str, Any]], bool] = lambda row: True
) -> list[str]:
    """Ids in the order of the contract."""
    rows = [r for r in instance.rows[table] if keep(r)]
    by_time = (lambda r: (r["sys_created_on"], r["sys_id"])) if table == "sysevent" else (lambda r: r["sys_id"])
    return [r["sys_id"] for r in sorted(rows, key=by_time)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


__all__ = ["DAY", "QUICK", "WINDOW", "at", "connection_to", "expected", "ids", "landed", "read", "timedelta"]
