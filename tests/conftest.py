"""What all tests share: compiled expressions, and an order that keeps both workers busy to the end."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from pipelines.features.compiled import keep_in

COMPILED = Path(tempfile.gettempdir()) / f"nowguard-tests-compiled-{os.getuid()}"


@pytest.fixture(autouse=True)
def _compiled_once() -> None:
    """Compiling the policies takes half a minute: what one worker compiled the other reads. The key is the code's digest."""
    COMPILED.mkdir(mode=0o700, exist_ok=True)
    keep_in(COMPILED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: workers take whole files, and a long one that comes last is waited for alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
