"""`nowguard config show`: every setting, its value and where it came from."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, explained, invocation_of

app = typer.Typer(help="Settings and where they come from.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Settings and where they come from: flag, environment, Airflow Connection, nowguard.toml, default."""


@app.command()
@explained
def show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Print each setting; secrets are masked."""
    from pipelines.settings import Settings

    out = Output(json, quiet)
    rows = [
        [key, value, *([source] if origin else []), Settings.model_fields[key].description]
        for key, value, source in invocation_of(ctx).loaded.shown()
    ]
    out.table("Settings", ["setting", "value", *(["origin"] if origin else []), "meaning"], rows)
