"""The business records that pages show and files hang on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY
from pipelines.emulator.organisation.people import People
from pipelines.emulator.organisation.rows import frame, stamps
from pipelines.emulator.organisation.streams import Ints, Streams, choose, sys_ids

# table, records per 300 users, number prefix, weight when a file is attached
KINDS = (
    ("incident", 900, "INC", 0.45),
    ("sc_req_item", 400, "RITM", 0.18),
    ("change_request", 160, "CHG", 0.08),
    ("kb_knowledge", 80, "KB", 0.05),
    ("sn_hr_core_case", 120, "HRC", 0.08),
    ("sn_customerservice_case", 160, "CS", 0.12),
    ("ast_contract", 60, "CNTR", 0.04),
)
TABLES = tuple(name for name, _, _, _ in KINDS)
SUBJECTS = (
    "cannot print",
    "laptop slow",
    "access to folder",
    "mail not arriving",
    "new monitor",
    "application crashes",
)


@dataclass(frozen=True)
class Records:
    """All records in one series; those of a table are contiguous from `first[table]`, `count[table]` of them."""

    sys_id: pl.Series
    number: list[str]
    table: Ints
    first: Mapping[str, int]
    count: Mapping[str, int]

    def draw(self, rng: np.random.Generator, table: str, size: int) -> Ints:
        return self.first[table] + rng.integers(0, self.count[table], size)

    def draw_any(self, rng: np.random.Generator, size: int) -> Ints:
        tables = choose(rng, [weight for *_, weight in KINDS], size)
        first = np.array([self.first[name] for name in TABLES])[tables]
        count = np.array([self.count[name] for name in TABLES])[tables]
        chosen: Ints = first + (rng.random(size) * count).astype(np.int64)
        return chosen


def build_records(streams: Streams, users: int) -> Records:
    counts = {name: max(20, count * users // 300) for name, count, _, _ in KINDS}
    firsts = dict(zip(TABLES, np.cumsum([0, *counts.values()])[:-1].tolist(), strict=True))
    numbers = [f"{prefix}{10000 + at:07d}" for name, _, prefix, _ in KINDS for at in range(counts[name])]
    return Records(
        sys_ids(streams.of("records"), len(numbers)),
        numbers,
        np.repeat(np.arange(len(TABLES)), list(counts.values())),
        firsts,
        counts,
    )


def incident_table(streams: Streams, records: Records, people: People, start: int) -> pl.DataFrame:
    """The `incident` rows themselves, all opened before the first day."""
    rng = streams.of("records", "incident")
    count, first = records.count["incident"], records.first["incident"]
    opened = start - rng.integers(1, 200, count) * DAY - rng.integers(0, DAY, count)
    callers = pl.Series(people.sys_id, dtype=pl.String).gather(rng.integers(0, len(people), count))
    agents = np.flatnonzero(people.desk) if people.desk.any() else np.arange(1)
    agent = agents[rng.integers(0, len(agents), count)]
    state = pl.Series(["1", "2", "6", "7"]).gather(choose(rng, [1, 2, 1, 8], count))
    return frame(
        {
            "sys_id": records.sys_id.slice(first, count),
            "number": records.number[first : first + count],
            "short_description": pl.Series(SUBJECTS).gather(rng.integers(0, len(SUBJECTS), count)),
            "caller_id": callers,
            "opened_by": callers,
            "assigned_to": pl.Series(people.sys_id, dtype=pl.String).gather(agent),
            "opened_at": stamps(opened),
            "state": state,
            "active": pl.select(pl.when(state == "7").then(pl.lit("false")).otherwise(pl.lit("true"))).to_series(),
            "priority": pl.Series(["1", "2", "3", "4", "5"]).gather(choose(rng, [1, 3, 8, 8, 4], count)),
            "sys_created_on": stamps(opened),
            "sys_created_by": pl.Series(people.user_name, dtype=pl.String).gather(agent),
            "sys_updated_on": stamps(opened + 3600),
            "sys_updated_by": pl.Series(people.user_name, dtype=pl.String).gather(agent),
            "sys_mod_count": "1",
            "sys_class_name": "incident",
        },
        count,
    )
