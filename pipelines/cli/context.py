"""What every command shares: its settings, and one way to print for people and for programs."""

from __future__ import annotations

import json as jsonlib
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pipelines.errors import NowguardError, UsageError

if TYPE_CHECKING:  # pydantic costs 0.3 s that `--help` need not pay
    from pipelines.settings import Loaded, Settings

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.", rich_help_panel="Output")]
QuietFlag = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only results and errors.", rich_help_panel="Output")
]


@dataclass
class Invocation:
    """The flags given before the command; settings are read when a command first asks."""

    flags: dict[str, Any] = field(default_factory=dict)
    file: Path | None = None
    _loaded: Loaded | None = None

    @property
    def loaded(self) -> Loaded:
        if self._loaded is None:
            from pipelines.settings import load

            self._loaded = load(self.flags, file=self.file)
        return self._loaded


def settings_of(ctx: typer.Context) -> Settings:
    return invocation_of(ctx).loaded.settings


def invocation_of(ctx: typer.Context) -> Invocation:
    found = ctx.find_root().obj
    return found if isinstance(found, Invocation) else Invocation()


def printable(value: object) -> str:
    """`value` on one line without control, bidirectional or other invisible characters: text from ServiceNow is hostile."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (list, tuple)):
        return ", ".join(printable(v) for v in value)
    if isinstance(value, float):
        return f"{value:.1f}"
    return "".join(c if unicodedata.category(c)[0] != "C" else "\ufffd" for c in str(value))


class Output:
    """Tables and lines for a person, or one JSON document for a program; never both."""

    def __init__(self, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    def note(self, text: str) -> None:
        """Progress and hints: on stderr, so that a pipe sees results only."""
        if not (self.json or self.quiet):
            print(printable(text), file=sys.stderr)

    def line(self, text: str) -> None:
        if not self.json:
            print(printable(text))

    def document(self, value: object) -> None:
        """The JSON answer; nothing in the other mode."""
        if self.json:
            print(jsonlib.dumps(value, indent=2, default=_jsonable))

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        styles: dict[str, str] | None = None,
    ) -> None:
        """A titled table, or a JSON list of objects. `styles` maps a cell's text to a rich style."""
        if self.json:
            self.document([dict(zip(columns, row, strict=True)) for row in rows])
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(title), title_justify="left", title_style="bold", header_style="bold", expand=False)
        for column in columns:
            numeric = bool(rows) and all(isinstance(r[columns.index(column)], (int, float)) for r in rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            texts = [printable(cell) for cell in row]
            table.add_row(*(Text(t, style=(styles or {}).get(t, "")) for t in texts))
        console = Console()
        if not console.is_terminal:
            console = Console(width=140)
        console.print(table)


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, Path)):
        return str(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def day_of(text: str) -> date:
    """A UTC day as typed: YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day", remedy="write it as YYYY-MM-DD, a UTC day") from None


F = TypeVar("F", bound=Callable[..., Any])


def explained(command: F) -> F:
    """Turn a `NowguardError` into two lines on stderr and its exit code; anything else is a bug and keeps its traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except NowguardError as error:
            report(error, json=bool(kwargs.get("json")))
            raise typer.Exit(error.exit_code) from None

    return run  # type: ignore[return-value]  # wraps keeps the signature typer reads


def report(error: NowguardError, *, json: bool = False) -> None:
    if json:
        print(jsonlib.dumps({"error": error.cause, "fix": error.remedy, "exit_code": error.exit_code}))
    print(f"error: {printable(error.cause)}\nfix:   {printable(error.remedy)}", file=sys.stderr)
