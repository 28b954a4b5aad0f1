"""A page of docs/reference that is made from the code: written by `make docs`, compared by `make check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def write_or_check(page: Path, wanted: str, arguments: Sequence[str]) -> int:
    """Write `wanted`; with `--check` in `arguments` only say whether the page is that. Returns the exit code."""
    if "--check" in arguments:
        if page.is_file() and page.read_text(encoding="utf-8") == wanted:
            return 0
        sys.stderr.write(f"docs/reference/{page.name} is not what the code says: run `make docs`\n")
        return 1
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(wanted, encoding="utf-8")
    return 0
