"""The desk of `nowguard alerts`, opened as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.alerts import Triage
    from pipelines.alerts.desk import Desk
    from pipelines.settings import Settings


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    import duckdb

    from pipelines.alerts.desk import Desk

    if not settings.warehouse.is_file():
        raise UsageError(
            f"nothing is published in {settings.warehouse}", remedy="run `nowguard run --from DATE --to DATE` first"
        )
    with open_triage(settings) as triage, duckdb.connect(str(settings.warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield Desk(con, triage, settings.instance)


@contextmanager
def open_triage(settings: Settings) -> Iterator[Triage]:
    from pipelines.alerts import Triage
    from pipelines.state_store import StateStore

    with closing(StateStore(settings.state_file)) as store:
        yield Triage(store)
