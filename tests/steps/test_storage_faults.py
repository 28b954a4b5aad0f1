"""A disk that fills up and a file that changes under the ledger: a clear end, and the same rows once it is mended."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.emulator.organisation import World
from pipelines.emulator.server import start
from tests.steps.conftest import command, few_policies, first_night, morning_after, published, settings_for

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


def test_a_full_disk_is_named_and_the_next_run_gives_the_same_rows(world: World, tmp_path: Path) -> None:
    with start(world, now=morning_after(first_night())) as running, small_disk(tmp_path / "disk") as resize:
        clean = settings_for(running, tmp_path / "clean", policies_dir=few_policies(tmp_path / "few"))
        assert command(clean, "run", *DATES).returncode == 0
        cramped = settings_for(running, tmp_path / "disk" / "data", policies_dir=tmp_path / "few")
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
        assert command(cramped, "run", *DATES).returncode == 0
        assert published(cramped) == published(clean)
        assert command(cramped, "verify").returncode == 0


def test_a_damaged_file_is_found_forgotten_and_made_again(world: World, tmp_path: Path) -> None:
    with start(world, now=morning_after(first_night())) as running:
        settings = settings_for(running, tmp_path / "data", policies_dir=few_policies(tmp_path / "few"))
        assert command(settings, "run", *DATES).returncode == 0
        before = published(settings)
        for layer in ("raw/raw_servicenow__sysevent", "core/core__activity"):
            path = next((settings.data_dir / "lake" / layer).rglob(f"event_date={first_night()}/*.parquet"))
            whole = path.read_bytes()
            path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])

        found = command(settings, "verify")
        refused = command(settings, "run", *DATES, "--from-step", "conform")
        mended = command(settings, "verify", "--repair")

        assert found.returncode == 1
        assert "2 problems" in found.stdout
        assert refused.returncode == 1
        assert "verify --repair" in refused.stderr
        assert mended.returncode == 0
        assert "2 partitions forgotten" in mended.stdout
        assert command(settings, "run", *DATES).returncode == 0
        assert published(settings) == before
        assert command(settings, "verify").returncode == 0
