"""`nowguard posture except/exceptions/unexcept`: who answers for what is not met, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, day_of, explained
from pipelines.cli.landed import landed_settings
from pipelines.cli.posture import known
from pipelines.errors import UsageError
from pipelines.window import utc_now

if TYPE_CHECKING:
    from pipelines.posture.exceptions import Exceptions

Control = Annotated[str, typer.Argument(help="Id of the recommendation.")]
TAKES_EFFECT = "It counts from the next night on."


def register(app: typer.Typer) -> None:
    """Add the commands to the group of `nowguard posture`."""
    for name, command in (("except", grant), ("exceptions", list_exceptions), ("unexcept", lift)):
        app.command(name)(command)


@explained
def grant(
    ctx: typer.Context,
    control: Control,
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    reason: Annotated[str, typer.Option(help="Why it is accepted.")],
    until: Annotated[str, typer.Option(help="Last UTC day, YYYY-MM-DD, within a year.")],
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Accept that a recommendation is not met, until a day. It stays listed, and is left out of our own score."""
    from pipelines.posture.registry import controls

    known(control, tuple(controls()), "recommendation")
    with _exceptions(ctx) as kept:
        made = kept.grant(control, owner=owner, reason=reason, first_day=utc_now().date(), last_day=day_of(until))
    out = Output(json, quiet)
    out.document(made)
    out.line(f"{made.owner} answers for {made.control_id} until {made.last_day}. {TAKES_EFFECT}")


@explained
def list_exceptions(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """List exceptions, the latest first, also those that have ended."""
    today = utc_now().date()
    with _exceptions(ctx) as kept:
        rows = [
            [e.control_id, e.owner, e.reason, e.first_day, e.last_day, "in force" if e.covers(today) else "ended"]
            for e in kept.all()
        ]
    out = Output(json, quiet)
    out.table("Exceptions", ["recommendation", "owner", "reason", "from", "until", "today"], rows)


@explained
def lift(ctx: typer.Context, control: Control, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """End the exception of a recommendation."""
    with _exceptions(ctx) as kept:
        ended = kept.lift(control, utc_now().date())
    if not ended:
        raise UsageError(f"no exception of {control} is in force", remedy="see `nowguard posture exceptions`")
    out = Output(json, quiet)
    out.document({"control_id": control, "ended": ended})
    out.line(f"Nobody answers for {control} any more. {TAKES_EFFECT}")


@contextmanager
def _exceptions(ctx: typer.Context) -> Iterator[Exceptions]:
    from pipelines.posture.exceptions import Exceptions
    from pipelines.state_store import StateStore

    settings = landed_settings(ctx)
    with closing(StateStore(settings.state_file)) as store:
        yield Exceptions(store, settings.instance)
