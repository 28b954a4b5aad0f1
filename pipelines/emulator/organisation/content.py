"""File contents on demand: the right first bytes for the type, filler, and a last line that makes each one unique.

The filler of all files of a type is the same, so the SHA-256 of thousands of files costs one pass per type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

LARGEST = 12_000_000
SMALLEST = 400
TRAILER = 96

TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "txt": "text/plain",
    "png": "image/png",
    "zip": "application/zip",
    "msg": "application/vnd.ms-outlook",
    "step": "application/step",
    "locked": "application/octet-stream",
}
_FIRST_BYTES = {
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "docx": b"PK\x03\x04\x14\x00\x06\x00",
    "xlsx": b"PK\x03\x04\x14\x00\x06\x00",
    "zip": b"PK\x03\x04\x14\x00\x00\x00",
    "png": b"\x89PNG\r\n\x1a\n",
    "msg": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "csv": b"position,part,quantity,unit,site\n",
    "step": b"ISO-10303-21;\nHEADER;\n",
    "locked": bytes(range(128, 256)),
}
_SENTENCE = b"Meeting notes, parts and dates of the Meridian works; nothing in this text is about a real person. "


@dataclass(frozen=True)
class Body:
    """What a content is made from; `size` includes the trailer."""

    extension: str
    size: int
    key: str


@cache
def _filler(extension: str) -> bytes:
    start = _FIRST_BYTES.get(extension, b"")
    if extension == "locked":
        return start + hashlib.shake_256(b"locked").digest(1 << 20) * (LARGEST >> 20)
    return start + _SENTENCE * (LARGEST // len(_SENTENCE))


def _trailer(key: str) -> bytes:
    return f"\n-- {key}\n".encode().rjust(TRAILER, b" ")


def content(body: Body) -> bytes:
    return _filler(body.extension)[: body.size - TRAILER] + _trailer(body.key)


def digests(bodies: Iterable[Body]) -> list[str]:
    """SHA-256 of each content, in order."""
    wanted = list(bodies)
    result = [""] * len(wanted)
    running: dict[str, tuple[int, hashlib._Hash]] = {}
    for position in sorted(range(len(wanted)), key=lambda at: wanted[at].size):
        body = wanted[position]
        done, state = running.get(body.extension, (0, hashlib.sha256()))
        length = body.size - TRAILER
        state.update(_filler(body.extension)[done:length])
        running[body.extension] = (length, state)
        last = state.copy()
        last.update(_trailer(body.key))
        result[position] = last.hexdigest()
    return result


@dataclass(frozen=True)
class Contents:
    """The content of an attachment by its sys_id; KeyError for an unknown one."""

    bodies: Mapping[str, Body]

    def __call__(self, sys_id: str) -> bytes:
        return content(self.bodies[sys_id])
