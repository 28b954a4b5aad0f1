"""The desk of `nowguard alerts`, opened as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pipelines.cli.published import open_published

if TYPE_CHECKING:
    from pipelines.alerts import Triage
    from pipelines.alerts.desk import Desk
    from pipelines.settings import Settings


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    from pipelines.alerts.desk import Desk

    with open_published(settings) as con, open_triage(settings) as triage:
        yield Desk(con, triage, settings.instance)


@contextmanager
def open_triage(settings: Settings) -> Iterator[Triage]:
    from pipelines.alerts import Triage
    from pipelines.state_store import StateStore

    with closing(StateStore(settings.state_file)) as store:
        yield Triage(store)
