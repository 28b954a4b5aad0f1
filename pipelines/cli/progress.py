"""Progress on long work: live rows and rows/s per table on a terminal, one plain line per finished table otherwise."""

from __future__ import annotations

import sys
import time
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Progress:
    """Called from reader threads as `progress(table, rows, pages)`; `step` announces a step of the night."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._live = sys.stderr.isatty() and not quiet
        self._lock = Lock()
        self._rows: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._rich = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description:<22}"),
            TextColumn("{task.completed:>10,.0f} rows"),
            TextColumn("{task.fields[rate]:>9,} rows/s"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Self:
        if self._live:
            self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._rich.stop()

    def __call__(self, table: str, rows: int, pages: int = 0) -> None:
        with self._lock:
            started = self._started.setdefault(table, time.monotonic())
            self._rows[table] = total = self._rows.get(table, 0) + rows
            if not self._live:
                return
            if table not in self._tasks:
                self._tasks[table] = self._rich.add_task(table, total=None, rate=0)
            rate = int(total / max(0.05, time.monotonic() - started))
            self._rich.update(self._tasks[table], completed=total, rate=rate)

    def done(self, table: str, text: str) -> None:
        """A table or a step is finished: its line stays on the screen."""
        with self._lock:
            task = self._tasks.pop(table, None)
            self._rows.pop(table, None)
            self._started.pop(table, None)
            if task is not None:
                self._rich.remove_task(task)
        self.say(text)

    def say(self, text: str) -> None:
        if self.quiet:
            return
        if self._live:
            self._rich.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


class Silent(Progress):
    """For JSON output and for tasks whose log is elsewhere."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
