"""`nowguard connect` and `nowguard check`: reach the instance, say "Connected" or why not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, explained, settings_of

if TYPE_CHECKING:
    from pipelines.settings import Settings

STYLES = {"ok": "green", "denied": "red", "missing": "yellow", "failed": "red"}


def register(app: typer.Typer) -> None:
    app.command("connect")(connect)
    app.command("check")(check)


@explained
def connect(
    ctx: typer.Context,
    username: Annotated[str | None, typer.Option(help="Account (NOWGUARD_USERNAME).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Exchange user and password for a refresh token, keep the token (mode 0600) and forget the password.

    The password is asked for when NOWGUARD_PASSWORD is not set; later runs need none.
    """
    import sys

    from pydantic import SecretStr

    from pipelines.errors import UsageError

    settings = settings_of(ctx)
    if username:
        settings = settings.model_copy(update={"username": username})
    if settings.password is None:
        if not sys.stdin.isatty():
            raise UsageError(
                "no password is given", remedy="set NOWGUARD_PASSWORD for this one command, or run it on a terminal"
            )
        settings = settings.model_copy(update={"password": SecretStr(typer.prompt("Password", hide_input=True))})
    path = connect_once(settings)
    out = Output(json, quiet)
    out.document({"verdict": "Connected", "token_file": str(path)})
    out.line(f"Connected. The refresh token is in {path}; the password was not kept.")


def connect_once(settings: Settings) -> object:
    """Leave a refresh token for this instance; returns its file."""
    from pipelines.sources.servicenow import connect as exchange
    from pipelines.steps.extract import connection_of

    exchange(connection_of(settings), settings.token_file)
    return settings.token_file


@explained
def check(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Connect and say what can be read: release, clock skew, tables and columns, token lives, what is blind and why."""
    from pipelines.contracts import sources
    from pipelines.sources.servicenow import check as look
    from pipelines.steps.directory import identity_check
    from pipelines.steps.extract import connection_of

    out = Output(json, quiet)
    settings = settings_of(ctx)
    tables, posture = tuple(sources().values()), tuple(sources("posture").values())
    report = look(connection_of(settings), tables, posture=posture, token_file=settings.token_file)
    identity = identity_check(settings)
    if json:
        out.document({**asdict(report), "identity_provider": asdict(identity)})
    else:
        _print(report, out)
        out.line(identity.verdict)
        for line in identity.warnings:
            out.line(f"warning: {line}")
    if not report.connected:
        raise typer.Exit(report.exit_code)


def _print(report: object, out: Output) -> None:
    from pipelines.sources.servicenow import CheckReport

    assert isinstance(report, CheckReport)
    out.line(report.verdict)
    out.table("Instance", ["what", "value"], list(report.facts()))
    out.table(
        "Tables", ["table", "state", "rows", "missing columns", "reason"],
        [(t.table, t.state, t.rows, t.missing_columns, t.reason) for t in report.tables], styles=STYLES,
    )  # fmt: skip
    closed = [t for t in report.posture if t.state != "ok" or t.missing_columns]
    out.line(f"Posture: {len(report.posture) - len(closed)} of {len(report.posture)} tables can be read whole.")
    if closed:
        rows = [(t.table, t.state, t.missing_columns, t.reason) for t in closed]
        out.table("Posture tables", ["table", "state", "missing columns", "reason"], rows, styles=STYLES)
    if report.missing_rights:
        out.line(f"read rules to add (docs/howto/least-privilege-account.md): {', '.join(report.missing_rights)}")
    for line in report.blind:
        out.line(f"blind: {line}")
    for line in report.warnings:
        out.line(f"warning: {line}")
