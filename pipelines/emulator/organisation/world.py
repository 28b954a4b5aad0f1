"""The value that crosses from the organisation to the server: rows as stored, scripted changes, network, truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars


@dataclass(frozen=True)
class Change:
    """One scripted write to a slowly changing table, applied when the virtual clock passes `at` (UTC).

    `values` holds only the columns that change; None deletes the row; a `sys_id` not present yet is an insert.
    """

    at: datetime
    table: str
    sys_id: str
    values: Mapping[str, str] | None


@dataclass(frozen=True)
class NetBlock:
    """One block of the address plan and what a location database says about it, which may be wrong on purpose.

    Latitude and longitude are degrees; `categories` name the IP lists that carry the whole block from the start.
    """

    cidr: str
    country: str
    city: str | None
    latitude: float | None
    longitude: float | None
    asn: int
    as_org: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """One line of a dated IP list (`<category>.csv`): from when to when the source carries it; '' is open."""

    category: str
    indicator: str
    confidence: int
    first_seen: str
    last_seen: str = ""


@dataclass(frozen=True)
class World:
    """A seeded organisation over [start, end), both UTC midnights.

    `tables`: table -> frame with every column text in stored form (UTC times, plain sys_ids, '' = empty); all rows up
    to `end`. An optional column `_visible_at` ('' = at once) says from when a late row can be read. Slow tables hold the
    state before `start`; `changes` move them on. `sysevent` rows carry the final `sys_updated_on`. `attachments` maps a sys_attachment.sys_id to its content. Only tests and benches read `truth`.
    `accounts`: user name -> password, besides `client_id` and `client_secret`. `directory`: the same people as the identity
    provider keeps them, as changes of its `users` (userPrincipalName, accountEnabled, ...; None = deleted).
    """

    seed: int
    start: datetime
    end: datetime
    tables: Mapping[str, polars.DataFrame]
    changes: tuple[Change, ...]
    attachments: Callable[[str], bytes]
    network: tuple[NetBlock, ...]
    truth: Mapping[str, Any]
    accounts: Mapping[str, str]
    listings: tuple[Listing, ...] = ()
    directory: tuple[Change, ...] = ()
