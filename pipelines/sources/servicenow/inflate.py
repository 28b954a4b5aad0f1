"""Decoded pieces of a body as it arrives, of bounded size: a compressed bomb is met before it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isal.isal_zlib import decompressobj, error  # zlib's calls at half the CPU

PIECE = 1 << 18  # small enough for the allocator to use the same memory again
GZIP = 31  # a window of 32 KiB, with the header and the checksum of gzip


class Damaged(Exception):
    """The body cannot be decoded, or its end is missing."""


class Inflate:
    """For one answer; `encoding` is its `Content-Encoding`. Only gzip is asked for, so only gzip or nothing is taken."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip"):
            raise Damaged("the answer is encoded in a way that was not asked for")
        self._stream: Any = decompressobj(GZIP) if "gzip" in name else None
        self._begun = False

    def of(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` decodes to. Raises `Damaged`."""
        if self._stream is None:
            yield chunk
            return
        self._begun = True
        while chunk:
            if self._stream.eof:  # another member of the same gzip file
                self._stream = decompressobj(GZIP)
            try:
                piece = self._stream.decompress(chunk, PIECE)
            except error:  # type: ignore[misc]  # the stub declares a type where the module has an exception
                raise Damaged("the compressed answer is damaged") from None
            yield piece
            chunk = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def end(self) -> None:
        """Raises `Damaged` where the stream stopped before its own end. No bytes at all are an empty body."""
        if self._begun and not self._stream.eof:
            raise Damaged("the compressed answer is cut off")
