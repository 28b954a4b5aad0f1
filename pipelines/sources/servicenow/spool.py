"""Rows on their way to columns: a file of JSON lines that one job appends to and hands on when it is full."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import StorageError
from pipelines.sources.servicenow.page import Bytes

SPOOL_BYTES = 16 << 20  # a file of this size becomes one Parquet part; what bounds the memory of a conversion


@dataclass(frozen=True, slots=True)
class Lines:
    """A spool file: `rows` lines of one table, of the days `first` to `last`."""

    path: Path
    rows: int
    first: date
    last: date
    observed_at: datetime | None = None
    has_objects: bool = False


class Spool:
    """Files `<stem>-<number>.jsonl`, one after the other; `hand_on` is given each when it is full, and the last at the end."""

    def __init__(self, folder: Path, stem: str, hand_on: Callable[[Path, int, bool], None]) -> None:
        self._folder = folder
        self._stem = stem
        self._hand_on = hand_on
        self._file: BinaryIO | None = None
        self._path = folder
        self._number = 0
        self._size = 0
        self._rows = 0
        self._has_objects = False

    def add(self, lines: list[Bytes], rows: int, has_objects: bool) -> None:
        with explained(self._path):
            if self._file is None:
                self._number += 1
                self._path = self._folder / f"{self._stem}-{self._number:05d}.jsonl"
                self._file = self._path.open("wb")
            for piece in lines:
                self._file.write(piece)
                self._file.write(b"\n")
                self._size += len(piece) + 1
        self._rows += rows
        self._has_objects |= has_objects
        if self._size >= SPOOL_BYTES:
            self.close()

    def close(self) -> None:
        """Hand on what there is."""
        if self._file is None:
            return
        with explained(self._path):
            self._file.close()
        path, rows, objects = self._path, self._rows, self._has_objects
        self._file, self._size, self._rows, self._has_objects = None, 0, 0, False
        self._hand_on(path, rows, objects)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """A full or read-only disk as an error of ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"no space is left to write {path.name}", remedy=f"free space under {path.parent} and run again"
            ) from None
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageError(
                f"{path.parent} cannot be written", remedy="check owner and mount of the data directory"
            ) from None
        raise
