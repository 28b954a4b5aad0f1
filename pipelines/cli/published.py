"""The published file, opened read-only for a command; and what a command writes for others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from pipelines.errors import UsageError

if TYPE_CHECKING:
    import duckdb

    from pipelines.settings import Settings

#: First characters of a text that a spreadsheet would run: what anybody typed into ServiceNow is hostile.
FORMULA_STARTS: Final = "=+-@\t\r"


@contextmanager
def open_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published file; its times are UTC."""
    import duckdb

    if not settings.warehouse.is_file():
        raise UsageError(
            f"nothing is published in {settings.warehouse}", remedy="run `nowguard run --from DATE --to DATE` first"
        )
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def write_whole(write: Callable[[TextIO], None], to: Path | None) -> None:
    """What `write` writes, to a file whole or not at all; None: to standard output as it comes."""
    if to is None:
        write(sys.stdout)
        return
    partial = to.with_name(f"{to.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            write(file)
        partial.replace(to)
    except OSError as error:
        raise UsageError(
            f"{to} cannot be written: {error.strerror}", remedy="give --out a folder that exists"
        ) from None
