"""The checks that a recommendation is made of.

A verdict holds, does not hold, or is not known (`holds is None`); a part that is certain decides where the rest cannot
change it. What is missing is named by the access control that would show it.

    settings   Property, Plugin                     rows   NoRows, Undecided, SomeRows, Counted, Unseen
    logic      Every, Some, Where, WhereReadable    core   what a check and its verdict are
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.posture.checks.core import Check, Verdict
from pipelines.posture.checks.logic import Every, Some, Where, WhereReadable, row_checks, settings_in
from pipelines.posture.checks.rows import Counted, NoRows, SomeRows, Undecided, Unseen
from pipelines.posture.checks.settings import Plugin, Property

#: Every kind of check, for tests that ask each of them.
KINDS: tuple[Callable[..., Check], ...] = (
    Property,
    Plugin,
    NoRows,
    SomeRows,
    Counted,
    Unseen,
    Undecided,
    Every,
    Some,
    Where,
    WhereReadable,
)

__all__ = [
    "KINDS",
    "Check",
    "Counted",
    "Every",
    "NoRows",
    "Plugin",
    "Property",
    "Some",
    "SomeRows",
    "Undecided",
    "Unseen",
    "Verdict",
    "Where",
    "WhereReadable",
    "row_checks",
    "settings_in",
]
