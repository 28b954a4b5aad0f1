"""Everything that is decided before the first request: people, places, files, and who is where when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.clock import DAY
from pipelines.emulator.organisation.files import Files
from pipelines.emulator.organisation.network import Network
from pipelines.emulator.organisation.people import NEVER, Egress, People
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.records import Records
from pipelines.emulator.organisation.sessions import Sessions
from pipelines.emulator.organisation.streams import Bools, Streams
from pipelines.emulator.organisation.whereabouts import Whereabouts


@dataclass(frozen=True)
class Company:
    """The parts by name; `start` is epoch seconds, `days` the length of the period, `roles` name -> sys_id."""

    population: Population
    streams: Streams
    people: People
    network: Network
    records: Records
    files: Files
    whereabouts: Whereabouts
    sessions: Sessions
    roles: Mapping[str, str]
    start: int
    days: int

    @property
    def end(self) -> int:
        return self.start + self.days * DAY

    @cached_property
    def user_names(self) -> pl.Series:
        return pl.Series(self.people.user_name, dtype=pl.String)

    @cached_property
    def user_ids(self) -> pl.Series:
        return pl.Series(self.people.sys_id, dtype=pl.String)

    @cached_property
    def session_addresses(self) -> pl.Series:
        return pl.Series(self.network.pool, dtype=pl.String).gather(self.sessions.address)

    @cached_property
    def session_agents(self) -> pl.Series:
        return pl.Series(devices.ALL, dtype=pl.String).gather(self.sessions.agent)

    @cached_property
    def plain(self) -> Bools:
        """Ordinary employees, there all the time, whose traffic takes no detour."""
        people = self.people
        steady = (people.joined == 0) & (people.left == NEVER) & ~people.dormant & (people.egress == Egress.LINE)
        plain: Bools = steady & people.employees & ~people.admin & ~people.desk & (people.city == people.home_city)
        return plain
