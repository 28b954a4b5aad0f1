"""Distinct addresses as sorted arrays, so that whole networks are looked up instead of single addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[Any]  # one value per address that sorts as the address does: uint32 for v4, 16 bytes for v6
Packed = npt.NDArray[np.uint8]

_MAPPED = b"\0" * 10 + b"\xff\xff"
_pack4: Callable[[str], bytes] = partial(socket.inet_pton, socket.AF_INET)
_pack6: Callable[[str], bytes] = partial(socket.inet_pton, socket.AF_INET6)


@dataclass(frozen=True)
class Family:
    """Addresses of one size (4 or 16 bytes) in ascending order; `rows` are their places in the caller's sequence."""

    size: int
    rows: Ints
    packed: Packed

    def __len__(self) -> int:
        return len(self.rows)

    def numbers(self) -> list[int]:
        """The addresses as integers, for code that walks them in order."""
        if self.size == 4:
            found: list[int] = comparable(self.packed).tolist()
            return found
        return [int.from_bytes(one.tobytes(), "big") for one in self.packed]


@dataclass(frozen=True)
class Addresses:
    """Distinct addresses as texts, and those that parse as arrays by family."""

    texts: Sequence[str]
    families: tuple[Family, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Addresses:
        """A v4 address in v6 clothes counts as v4; what is no address is in no family."""
        rows, packed = _all_packed([(row, text) for row, text in enumerate(texts) if ":" not in text], _pack4)
        rows6, packed6 = _all_packed([(row, text) for row, text in enumerate(texts) if ":" in text], _pack6)
        for row, one in zip(rows6, packed6, strict=True):
            if one.startswith(_MAPPED):
                rows.append(row)
                packed.append(one[12:])
        real = [(row, one) for row, one in zip(rows6, packed6, strict=True) if not one.startswith(_MAPPED)]
        held = ((4, rows, packed), (16, [row for row, _ in real], [one for _, one in real]))
        return cls(texts, tuple(_sorted(size, places, bytes_) for size, places, bytes_ in held if places))

    def __len__(self) -> int:
        return len(self.texts)


def mask(prefix: int, size: int) -> Packed:
    bits = (1 << size * 8) - (1 << size * 8 - prefix)
    return np.frombuffer(bits.to_bytes(size, "big"), dtype=np.uint8)


def comparable(packed: Packed) -> Keys:
    if packed.shape[1] == 4:
        return np.ascontiguousarray(packed).view(">u4").ravel().astype(np.uint32)
    return np.ascontiguousarray(packed).view("S16").ravel()


def network_of(text: str) -> tuple[bytes, int] | None:
    """(network bytes, prefix length) of an address or CIDR; bits behind the prefix are cleared; None if malformed."""
    address, slash, length = text.partition("/")
    try:
        packed = _pack6(address) if ":" in address else _pack4(address)
        prefix = int(length) if slash else len(packed) * 8
    except (OSError, ValueError):
        return None
    if not 0 <= prefix <= len(packed) * 8:
        return None
    behind = len(packed) * 8 - prefix
    return (int.from_bytes(packed, "big") >> behind << behind).to_bytes(len(packed), "big"), prefix


def columns_of(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Few rows (one per distinct value) as a table of that schema."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _all_packed(held: Sequence[tuple[int, str]], pack: Callable[[str], bytes]) -> tuple[list[int], list[bytes]]:
    """Rows and bytes of what parses; the usual case, that all of it does, in one go."""
    try:
        return [row for row, _ in held], [pack(text) for _, text in held]
    except (OSError, ValueError):
        found = [(row, one) for row, text in held if (one := _or_none(pack, text)) is not None]
        return [row for row, _ in found], [one for _, one in found]


def _or_none(pack: Callable[[str], bytes], text: str) -> bytes | None:
    try:
        return pack(text)
    except (OSError, ValueError):
        return None


def _sorted(size: int, rows: list[int], one: list[bytes]) -> Family:
    packed = np.frombuffer(b"".join(one), dtype=np.uint8).reshape(-1, size)
    order = np.argsort(comparable(packed), kind="stable")
    return Family(size, np.array(rows, dtype=np.int64)[order], packed[order])
