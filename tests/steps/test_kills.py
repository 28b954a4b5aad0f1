"""kill -9 at every place where a run is between two states: nothing is lost and nothing doubled."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipelines.cli.progress import Silent
from pipelines.emulator.organisation import World
from pipelines.emulator.server import start
from pipelines.lake import Lake, verify
from pipelines.state_store import StateStore
from pipelines.steps import run_night
from tests.steps.conftest import command, few_policies, inside, morning_after, nights, published, settings_for

pytestmark = pytest.mark.slow

KILLS = (
    "after_part_write:3",
    "after_fsync:7",
    "after_rename:20",
    "before_ledger:40",
    "after_ledger:60",
    "after_copy",
    "before_checkpoint",
    "before_swap",
    "after_swap",
)


#: A file, a ledger and a swap in the suite; `make kills` takes every place.
PLACES = KILLS if os.environ.get("NOWGUARD_TEST_KILLS") == "all" else tuple(KILLS[nth] for nth in (2, 4, 7))


def test_kill_9_at_every_named_place_loses_and_doubles_nothing(world: World, tmp_path: Path) -> None:
    days = nights()[:2]
    with start(world, now=morning_after(days[0])) as running:
        clean = settings_for(running, tmp_path / "clean", policies_dir=few_policies(tmp_path / "few"))
        run_night(clean, days[0], days[0], progress=Silent())
        shutil.copytree(clean.data_dir, tmp_path / "killed", symlinks=True)
        killed = settings_for(running, tmp_path / "killed", policies_dir=tmp_path / "few")
        running.control.set_now(morning_after(days[1]))
        run_night(clean, days[1], days[1], progress=Silent())
        dates = ("--from", str(days[1]), "--to", str(days[1]))
        for place in PLACES:
            assert command(killed, "run", *dates, crash_at=place).returncode in (137, 0), place
        assert inside(killed, "run", *dates).exit_code == 0
    assert published(killed) == published(clean)
    found = verify(Lake(killed.data_dir, StateStore(killed.state_file)))
    assert found.problems == ()
