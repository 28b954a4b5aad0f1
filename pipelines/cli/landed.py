"""Which instance a command is about that only reads what has landed: after the demo none is configured, and one is there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from pipelines.cli.context import settings_of
from pipelines.errors import UsageError

if TYPE_CHECKING:
    import typer

    from pipelines.settings import Settings


def landed_settings(ctx: typer.Context, *, required: bool = True) -> Settings:
    """The settings, with the only instance that has landed where none is configured.

    Several, or none where one is `required`, are a usage error that names them."""
    settings = settings_of(ctx)
    if settings.instance:
        return settings
    found = the_only(_instances(settings), "the lake")
    if required and not found:
        raise UsageError(
            "nothing has landed, and no instance is configured",
            remedy="run `nowguard run` first, or set NOWGUARD_DATA_DIR and NOWGUARD_INSTANCE_NAME",
        )
    return settings.model_copy(update={"instance_name": found}) if found else settings


def the_only(held: Sequence[str], where: str) -> str:
    """The one instance that is there, empty where there is none; of several one must be named."""
    if len(held) > 1:
        raise UsageError(f"{where} holds {', '.join(held)}", remedy="name one: NOWGUARD_INSTANCE_NAME=<name>")
    return held[0] if held else ""


def _instances(settings: Settings) -> list[str]:
    from pipelines.lake import Lake
    from pipelines.state_store import StateStore

    if not settings.state_file.exists():
        return []
    with closing(StateStore(settings.state_file)) as store:
        return Lake(settings.data_dir, store).ledger.instances()
