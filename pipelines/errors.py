"""One small tree of errors: each names the cause, the remedy and the exit code of `docs/reference/cli.md`.

A caller catches by class; a command prints `error: <cause>` and `fix: <remedy>` and leaves with `exit_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import ClassVar


class NowguardError(Exception):
    """A failure that a person can act on. `remedy` is one sentence that starts with a verb."""

    exit_code: ClassVar[int] = 1

    def __init__(self, cause: str, *, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} (fix: {self.remedy})"


class CheckFailed(NowguardError):
    """`check`, `verify` or `policy test` found something wrong."""

    exit_code = 1


class UsageError(NowguardError):
    """A flag, a setting or a file of the user's is wrong."""

    exit_code = 2


class AccessDenied(NowguardError):
    """The instance refused the credentials or the rights of the account."""

    exit_code = 3


class SourceUnavailable(NowguardError):
    """The instance cannot be reached, sleeps, or keeps answering with something that is not data."""

    exit_code = 4


class DataQualityError(NowguardError):
    """A `stop` check failed: the partition is kept but not published."""

    exit_code = 5


class Busy(NowguardError):
    """Another run holds the lease of this instance."""

    exit_code = 75


class StorageError(NowguardError):
    """The data directory is full, read-only, or holds a file that is not what the ledger says."""

    exit_code = 1


def misnamed(what: str, name: str, known: Collection[str], *, otherwise: str = "") -> UsageError:
    """Nothing of `known` is called `name`: the remedy is the nearest one, else `otherwise`, else all there are."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else otherwise or f"choose one of {', '.join(known)}"
    return UsageError(f"there is no {what} {name}", remedy=hint)
