"""Named places where a test ends the process as `kill -9` would. Nothing happens unless NOWGUARD_CRASH_AT names one."""

from __future__ import annotations

import os

#: Every name in use; the kill tests walk this list.
NAMES: set[str] = set()
_AT = os.environ.get("NOWGUARD_CRASH_AT", "")
_seen: dict[str, int] = {}


def crashpoint(name: str) -> None:
    """Exit with 137 and no clean-up where NOWGUARD_CRASH_AT is `name`, or `name:n` for the n-th passage."""
    if not _AT:
        return
    wanted, _, count = _AT.partition(":")
    if name != wanted:
        return
    _seen[name] = _seen.get(name, 0) + 1
    if _seen[name] >= int(count or 1):
        os._exit(137)
