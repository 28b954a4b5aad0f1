"""Whether the identity provider is connected, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.errors import NowguardError
from pipelines.sources.entra.connection import LEAVE_READ, EntraConnection
from pipelines.sources.entra.graph import Graph, ResyncNeeded
from pipelines.sources.servicenow.connection import Pace

ONE = {"$select": "id", "$top": "1"}


@dataclass(frozen=True, slots=True)
class EntraCheck:
    """`state`: connected, failed or absent (no settings). `warnings`: what cannot be read although it is connected."""

    state: str
    verdict: str
    roles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_entra(connection: EntraConnection | None, missing: str = "", pace: Pace | None = None) -> EntraCheck:
    """Ask for a token and one row of each collection. Never raises for what Microsoft says."""
    if missing:
        return EntraCheck("failed", f"Entra ID is not connected: {missing} is not set")
    if connection is None:
        return EntraCheck(
            "absent", "Entra ID is not configured: policies that need it judge by sys_user only (docs/howto/connect.md)"
        )
    try:
        with Graph(connection, pace) as graph:
            next(graph.pages("/users", ONE))
            return EntraCheck(
                "connected", "Entra ID is connected", tuple(sorted(graph.roles or ())), tuple(_gaps(graph))
            )
    except NowguardError as error:
        return EntraCheck("failed", f"Entra ID is not connected: {error.cause} (fix: {error.remedy})")
    except ResyncNeeded:
        return EntraCheck(
            "failed", "Entra ID is not connected: Graph says that its users are gone (fix: run again later)"
        )


def _gaps(graph: Graph) -> Iterator[str]:
    try:
        next(graph.pages("/directory/deletedItems/microsoft.graph.user", ONE))
    except (NowguardError, ResyncNeeded) as error:
        yield f"deleted users cannot be read ({error}): when an account was deleted is known to the night only"
    if graph.roles is not None and LEAVE_READ not in graph.roles:
        yield f"leave dates are not readable: grant {LEAVE_READ}, or accept that they are unknown"
