"""The `nowguard` command: one module per group of commands, heavy imports inside the commands that need them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.context import Invocation, report
from pipelines.errors import NowguardError

EPILOG = "Exit codes: 0 ok, 1 a check failed, 2 usage, 3 authentication, 4 source unavailable, 5 data quality, 75 busy."

app = typer.Typer(
    name="nowguard",
    help="Protect a ServiceNow instance: extract its activity, detect threats, publish scored alerts.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, and those hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file (default: nowguard.toml here).")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Root of lake and warehouse (NOWGUARD_DATA_DIR).")] = None,
    instance_url: Annotated[str | None, typer.Option(help="The instance (NOWGUARD_INSTANCE_URL).")] = None,
    instance_name: Annotated[str | None, typer.Option(help="Its short name (NOWGUARD_INSTANCE_NAME).")] = None,
) -> None:
    """Settings come from flags, the environment, an Airflow Connection, nowguard.toml, then defaults."""
    flags = {"data_dir": data_dir, "instance_url": instance_url, "instance_name": instance_name}
    ctx.obj = Invocation({k: v for k, v in flags.items() if v is not None}, config)


def register() -> None:
    """Add every command; their modules are light, what they import inside is not."""
    from pipelines.cli import (
        alerts,
        connection,
        demo,
        emulate,
        export,
        lake,
        model,
        policy,
        posture,
        posture_exceptions,
        run,
        up,
    )

    for module in (connection, run, lake, export, emulate, demo, up):
        module.register(app)
    posture_exceptions.register(posture.app)
    app.add_typer(alerts.app, name="alerts")
    app.add_typer(policy.app, name="policy")
    app.add_typer(model.app, name="model")
    app.add_typer(posture.app, name="posture")


def main() -> None:
    """The console script."""
    register()
    try:
        app()
    except NowguardError as error:
        report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted: what was landed stays; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
