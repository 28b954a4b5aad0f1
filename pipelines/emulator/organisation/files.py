"""Attachments: the stock from before the first day and what people attach during it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY
from pipelines.emulator.organisation.content import LARGEST, SMALLEST, TYPES, Body, digests
from pipelines.emulator.organisation.people import People
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.records import TABLES, Records
from pipelines.emulator.organisation.rows import frame, stamps, texts
from pipelines.emulator.organisation.sessions import Sessions
from pipelines.emulator.organisation.streams import Ints, Streams, choose, sys_ids

EXTENSIONS = ("pdf", "docx", "xlsx", "csv", "txt", "png", "zip", "msg", "step")
EXTENSION_WEIGHTS = (0.24, 0.16, 0.14, 0.06, 0.08, 0.20, 0.03, 0.05, 0.04)
TOPICS = (
    "invoice", "contract", "drawing", "screenshot", "report", "minutes", "payroll", "forecast", "offer", "manual", "scan",
    "inventory", "schedule", "logfile", "survey", "policy",
)  # fmt: skip


@dataclass(frozen=True)
class Files:
    """One position per attachment, ordered by `created` (epoch seconds); `action` groups files of one upload."""

    sys_id: pl.Series
    created: Ints
    owner: Ints
    size: Ints
    name: list[str]
    extension: list[str]
    record: Ints
    session: Ints
    stock: int

    def __len__(self) -> int:
        return len(self.created)

    def available(self, time: Ints) -> Ints:
        """How many files exist at each time; they are the first that many."""
        return np.searchsorted(self.created, time, side="left").astype(np.int64)

    def bodies(self) -> dict[str, Body]:
        identifiers = self.sys_id.to_list()
        return {
            sys_id: Body(extension, int(size), sys_id)
            for sys_id, extension, size in zip(identifiers, self.extension, self.size, strict=True)
        }


def _uploads(rng: np.random.Generator, population: Population, people: People, sessions: Sessions) -> tuple[Ints, Ints]:
    """Session and time of each uploaded file; one action in five brings several files."""
    rate = population.uploads_a_day / 1.7 * np.where(people.employees[sessions.user], people.load[sessions.user], 0.8)
    actions = np.repeat(np.arange(len(sessions)), rng.poisson(rate))
    time = sessions.start[actions] + (rng.random(len(actions)) * (sessions.end - sessions.start)[actions]).astype(
        np.int64
    )
    several = np.where(rng.random(len(actions)) < 0.2, rng.integers(2, 5, len(actions)), 1)
    return np.repeat(actions, several), np.repeat(time, several)


def build_files(
    population: Population, streams: Streams, people: People, *, records: Records, sessions: Sessions, start: int
) -> Files:
    rng = streams.of("files")
    stock = round(population.stock_files * len(people))
    old = start - (rng.exponential(120.0, stock) * DAY).astype(np.int64) - rng.integers(0, DAY, stock) - 1
    session, time = _uploads(streams.of("files", "uploads"), population, people, sessions)
    created = np.concatenate([old, time])
    owner = np.concatenate([rng.integers(0, len(people), stock), sessions.user[session]])
    session = np.concatenate([np.full(stock, -1, dtype=np.int64), session])
    order = np.argsort(created, kind="stable")
    count = len(order)
    draw = streams.of("files", "shape")
    extension = [EXTENSIONS[at] for at in choose(draw, EXTENSION_WEIGHTS, count)]
    size = np.clip(
        draw.lognormal(np.log(population.file_median_bytes), population.file_spread, count), SMALLEST, LARGEST
    )
    topic, number = draw.integers(0, len(TOPICS), count), draw.integers(1, 9999, count)
    return Files(
        sys_ids(draw, count), created[order], owner[order], size.astype(np.int64),
        [f"{TOPICS[one]}_{two}.{end}" for one, two, end in zip(topic, number, extension, strict=True)],
        extension, records.draw_any(draw, count), session[order], stock,
    )  # fmt: skip


def attachment_table(files: Files, people: People, records: Records) -> pl.DataFrame:
    """`sys_attachment` rows."""
    owner = pl.Series(people.user_name, dtype=pl.String).gather(files.owner)
    created = stamps(files.created)
    return frame(
        {
            "sys_id": files.sys_id,
            "file_name": files.name,
            "content_type": [TYPES[extension] for extension in files.extension],
            "size_bytes": texts(files.size),
            "size_compressed": texts(files.size * 7 // 10),
            "compressed": "true",
            "table_name": pl.Series(TABLES, dtype=pl.String).gather(records.table[files.record]),
            "table_sys_id": records.sys_id.gather(files.record),
            "hash": digests(files.bodies().values()),
            "state": "available",
            "chunk_size_bytes": "734003",
            "sys_created_on": created,
            "sys_created_by": owner,
            "sys_updated_on": created,
            "sys_updated_by": owner,
            "sys_mod_count": "0",
        },
        len(files),
    )
