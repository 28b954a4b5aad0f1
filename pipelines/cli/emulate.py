"""`nowguard emulate`: a ServiceNow-shaped server in the foreground, with a seeded organisation or your own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.context import JsonFlag, QuietFlag, day_of, explained

PANEL = "Organisation"


def register(app: typer.Typer) -> None:
    app.command("emulate")(emulate)


@explained
def emulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 8088,
    tls: Annotated[bool, typer.Option("--tls", help="HTTPS with a certificate authority made for this run.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the organisation.", rich_help_panel=PANEL)] = 1,
    users: Annotated[int, typer.Option(min=20, max=50_000, help="Accounts of people.", rich_help_panel=PANEL)] = 300,
    days: Annotated[
        int, typer.Option(min=1, max=400, help="Days of history (plus seven before).", rich_help_panel=PANEL)
    ] = 30,
    end: Annotated[
        str | None, typer.Option(help="Last day, YYYY-MM-DD (default: yesterday).", rich_help_panel=PANEL)
    ] = None,
    now: Annotated[
        str | None, typer.Option(help="Virtual time at start, UTC (default: the morning after --end).")
    ] = None,
    tables: Annotated[Path | None, typer.Option(help="Serve <table>.jsonl files of this folder instead.")] = None,
    info: Annotated[Path | None, typer.Option(help="Write URL, CA, credentials and control URL here as JSON.")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Serve a ServiceNow-shaped instance on loopback until Ctrl-C: OAuth, Table, Aggregate, Attachment and Batch API."""
    from pipelines.emulator.server import run_foreground

    run_foreground(
        port=port,
        tls=tls,
        seed=seed,
        users=users,
        days=days,
        end=day_of(end) if end else None,
        now=now,
        tables_dir=tables,
        info=info,
        as_json=json,
        quiet=quiet,
    )
