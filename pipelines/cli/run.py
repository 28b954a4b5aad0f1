"""`nowguard run`: the nightly job without Airflow, same functions as the DAG."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, day_of, explained, settings_of
from pipelines.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command("run")(run)


@explained
def run(
    ctx: typer.Context,
    first: Annotated[str | None, typer.Option("--from", help="First UTC day, YYYY-MM-DD (default: --to).")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last UTC day, YYYY-MM-DD (default: yesterday).")] = None,
    step: Annotated[str | None, typer.Option(help="Only this step.")] = None,
    from_step: Annotated[str | None, typer.Option(help="This step and those after it, on what has landed.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read; write nothing.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Extract, validate, conform, compute features, detect and publish each day of [--from, --to].

    On an empty ledger the instance's history before --from is back-filled first. A run closes every gap it finds, reads
    three days back for late rows, and may be repeated at any time: it replaces and gives the same rows.
    """
    # numpy's linear algebra starts a thread per core at import, which spins for 0.1 CPU seconds; the few matrices here are small.
    # Not for every command: `up` hands its environment on to notebooks.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from datetime import timedelta

    from pipelines.steps import STEPS, run_night
    from pipelines.window import utc_now

    out = Output(json, quiet)
    settings = settings_of(ctx)
    to = day_of(last) if last else (day_of(first) if first else utc_now().date() - timedelta(days=1))
    since = day_of(first) if first else to
    steps = _chosen(STEPS, step, from_step)
    if dry_run:
        _print_plan(settings, since, to, out)
        return
    from pipelines.cli.progress import Progress, Silent

    with Silent() if json or quiet else Progress() as progress:
        reports = run_night(settings, since, to, progress=progress, steps=steps)
    if json:
        out.document([{"step": r.step, "seconds": round(r.seconds, 3), "rows": list(r.rows)} for r in reports])
        return
    if steps[-1] == "publish":
        from pipelines.cli.summary import print_summary

        print_summary(settings, to, out, seconds=sum(r.seconds for r in reports))


def _chosen(steps: tuple[str, ...], only: str | None, since: str | None) -> tuple[str, ...]:
    if only and since:
        raise UsageError("--step and --from-step exclude each other", remedy="give one of them")
    for name in (only, since):
        if name and name not in steps:
            raise UsageError(f"there is no step {name!r}", remedy=f"choose one of {', '.join(steps)}")
    if only:
        return (only,)
    return steps[steps.index(since) :] if since else steps


def _print_plan(settings: object, first: object, last: object, out: Output) -> None:
    """What extraction would ask of the instance, by the ledger as it stands."""
    from pipelines.cli.progress import Silent
    from pipelines.settings import Settings
    from pipelines.sources.servicenow import ServiceNow
    from pipelines.steps import open_night
    from pipelines.steps.extract import connection_of, pace_of, planned

    assert isinstance(settings, Settings)
    night = open_night(settings, first, last, Silent())  # type: ignore[arg-type]  # dates, parsed by the caller
    with ServiceNow(connection_of(settings), pace_of(settings)) as source:
        rows = planned(night, source.now())
    out.table("Would read", ["table", "mode", "window", "days"], rows)
