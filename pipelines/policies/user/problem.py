"""What is wrong with a file of the user's, said so that it can be mended."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`policy_id` is what coverage calls it: the policy it would have been, or the file's name."""

    policy_id: str
    path: str
    line: int
    cause: str
    remedy: str

    @property
    def text(self) -> str:
        return f"{self.path}, line {self.line}: {self.cause} (fix: {self.remedy})"


def id_of(text: str) -> str:
    """A policy id made of a file's or a rule's name: lower case words joined by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60] or "unnamed"


def line_of(text: str, word: str, start: int = 1) -> int:
    """The first line from `start` on that holds `word`, else `start`."""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines[start - 1 :], start) if word and word in line), start)
