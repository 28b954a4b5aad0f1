"""Microsoft Entra ID through Graph, reading only: a token, users with paging and delta, deleted users."""

from pipelines.sources.entra.check import EntraCheck, check_entra
from pipelines.sources.entra.connection import LEAVE_READ, EntraConnection, missing_settings
from pipelines.sources.entra.graph import Graph
from pipelines.sources.entra.users import DELETED_USER, USER, DirectoryRead, Snapshot, read_directory

__all__ = [
    "DELETED_USER",
    "LEAVE_READ",
    "USER",
    "DirectoryRead",
    "EntraCheck",
    "EntraConnection",
    "Graph",
    "Snapshot",
    "check_entra",
    "missing_settings",
    "read_directory",
]
