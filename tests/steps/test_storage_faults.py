"""A disk that fills up and a file that changes under the ledger: a clear end, and the same rows once it is mended."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.cli.progress import Silent
from pipelines.emulator.organisation import World
from pipelines.emulator.server import RunningEmulator, start
from pipelines.settings import Settings
from pipelines.steps import run_night
from tests.steps.conftest import command, few_policies, first_night, inside, morning_after, published, settings_for

pytestmark = pytest.mark.slow

DATES = ("--from", str(first_night()), "--to", str(first_night()))
SIZES_MB = (2, 8, 20)  # full while reading, while deriving, while publishing


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[int], None]]:
    """A file system of its own at `folder`; the yielded function gives it another size in MB."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "nowguard", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield (
            lambda megabytes: (
                subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(folder)], check=True) and None
            )
        )
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningEmulator, Settings]]:
    """An instance, and what an undisturbed run made of its first night."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with start(world, now=morning_after(first_night())) as running:
        clean = settings_for(running, folder / "data", policies_dir=few_policies(folder / "few"))
        run_night(clean, first_night(), first_night(), progress=Silent())
        yield running, clean


def test_a_full_disk_is_named_and_the_next_run_gives_the_same_rows(
    stage: tuple[RunningEmulator, Settings], tmp_path: Path
) -> None:
    running, clean = stage
    with small_disk(tmp_path / "disk") as resize:
        cramped = settings_for(running, tmp_path / "disk" / "data", policies_dir=clean.policies_dir)
        for megabytes in SIZES_MB:
            resize(megabytes)
            ended = command(cramped, "run", *DATES)
            if ended.returncode == 0:
                break
            assert ended.returncode == 1, ended.stderr[-2000:]
            assert "space" in ended.stderr, ended.stderr[-2000:]
            assert "fix:" in ended.stderr
            assert "Traceback" not in ended.stderr
        resize(500)
        assert inside(cramped, "run", *DATES).exit_code == 0
        assert published(cramped) == published(clean)
        assert inside(cramped, "verify").exit_code == 0


def test_a_damaged_file_is_found_forgotten_and_made_again(
    stage: tuple[RunningEmulator, Settings], tmp_path: Path
) -> None:
    running, clean = stage
    shutil.copytree(clean.data_dir, tmp_path / "data", symlinks=True)
    settings = settings_for(running, tmp_path / "data", policies_dir=clean.policies_dir)
    for layer in ("raw/raw_servicenow__sysevent", "core/core__activity"):
        path = next((settings.data_dir / "lake" / layer).rglob(f"event_date={first_night()}/*.parquet"))
        whole = path.read_bytes()
        path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])

    found = inside(settings, "verify")
    refused = inside(settings, "run", *DATES, "--from-step", "conform")
    mended = inside(settings, "verify", "--repair")

    assert found.exit_code == 1
    assert "2 problems" in found.stdout
    assert refused.exit_code == 1
    assert "verify --repair" in refused.stderr
    assert mended.exit_code == 0
    assert "2 partitions forgotten" in mended.stdout
    assert inside(settings, "run", *DATES).exit_code == 0
    assert published(settings) == published(clean)
    assert inside(settings, "verify").exit_code == 0
