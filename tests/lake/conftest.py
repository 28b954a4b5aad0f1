"""A lake of its own for each test, and the right to write it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.lake import Lake, Lease
from pipelines.state_store import StateStore

TTL = timedelta(minutes=2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, StateStore(tmp_path / "state" / "nowguard.sqlite"))


@pytest.fixture
def lease(lake: Lake) -> Iterator[Lease]:
    with lake.acquire("acme", None, owner="run", ttl=TTL) as held:
        yield held
