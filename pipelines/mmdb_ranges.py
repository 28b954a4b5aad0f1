"""A MaxMind DB file from sorted address ranges, built level by level in numpy: half a million ranges in seconds.

Format: https://maxmind.github.io/MaxMind-DB/. Ranges must not overlap. IPv6 ranges are given by their first 64 bits, the
granularity of routing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR = 16
_STRING, _MAP, _ARRAY, _UINT16, _UINT32, _UINT64 = 2, 7, 11, 5, 6, 9


def write_ranges(
    path: Path,
    kind: str,
    starts: Words,
    ends: Words,
    *,
    record: Places,
    records: Sequence[Mapping[str, str | int]],
    built: int,
) -> int:
    """Writes inclusive ranges, `record[i]` being the position in `records` of what range i says; returns the node count.

    32-bit ranges make an IPv4 file; ranges above make an IPv6 file of their upper halves. `built` is epoch seconds.
    """
    bits = 32 if len(ends) == 0 or int(ends.max()) < 1 << 32 else 64
    prefix, length, of = _blocks(starts, ends, record, bits)
    data, offsets = _data(records)
    tree, count = _tree(prefix, length, offsets[of], bits)
    path.write_bytes(tree.astype(">u4").tobytes() + b"\0" * _SEPARATOR + data + _metadata(kind, count, bits, built))
    return count


def _blocks(starts: Words, ends: Words, record: Places, bits: int) -> tuple[Words, Places, Places]:
    """Ranges as aligned blocks: prefix (the first address), prefix length, position in the records."""
    one = np.uint64(1)
    left, last, of = starts.copy(), ends, record
    parts: list[tuple[Words, Places, Places]] = []
    while len(left):
        span = last - left  # inclusive, so 0 is one address
        room = np.floor(np.log2(span.astype(np.float64) + 1.0)).astype(np.int64).clip(0, bits - 1)
        room -= (room > 0) & ((one << room.clip(0, 63).astype(np.uint64)) - one > span)
        lowest = left & (~left + one)
        aligned = np.where(left == 0, bits, np.log2(np.maximum(lowest, one).astype(np.float64)).astype(np.int64))
        size = np.minimum(room, aligned)
        parts.append((left, bits - size, of))
        end = left + ((one << size.clip(0, 63).astype(np.uint64)) - one)
        more = end < last
        left, last, of = end[more] + one, last[more], of[more]
    prefix, length, position = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(prefix, kind="stable")
    return prefix[order], length[order], position[order]


def _tree(prefix: Words, length: Places, offset: Places, bits: int) -> tuple[Places, int]:
    """Both records of every node, and how many nodes there are; a level's nodes are the distinct prefixes that go deeper."""

    def top(values: Words, depth: int) -> Words:
        return values >> np.uint64(bits - depth) if depth else np.zeros_like(values)

    levels = [np.unique(top(prefix[length > depth], depth)) for depth in range(int(length.max(initial=1)) + 1)]
    first = np.cumsum([0, *(len(level) for level in levels)])
    count = int(first[-1])
    tree = np.full(2 * count, count, dtype=np.int64)  # a record equal to the node count says "nothing known"
    for depth, level in enumerate(levels[:-1]):
        children = np.repeat(level << np.uint64(1), 2) | np.tile(np.array([0, 1], dtype=np.uint64), len(level))
        slots = tree[2 * first[depth] : 2 * first[depth + 1]]
        _link(slots, children, levels[depth + 1], first[depth + 1] + np.arange(len(levels[depth + 1])))
        leaf = length == depth + 1
        _link(slots, children, top(prefix[leaf], depth + 1), count + _SEPARATOR + offset[leaf])
    return tree, count


def _link(slots: Places, children: npt.NDArray[Any], known: Words, target: Places) -> None:
    """Points the slots whose child is known to its target; both sides are sorted."""
    if len(known) == 0:
        return
    at = np.searchsorted(known, children).clip(0, len(known) - 1)
    hit = known[at] == children
    slots[hit] = target[at[hit]]


def _control(kind: int, size: int) -> bytes:
    """The byte or bytes in front of a value."""
    head = kind << 5 if kind < 8 else 0
    extended = b"" if kind < 8 else bytes([kind - 7])
    if size < 29:
        return bytes([head | size]) + extended
    if size < 285:
        return bytes([head | 29]) + extended + bytes([size - 29])
    return bytes([head | 30]) + extended + struct.pack(">H", size - 285)


def _value(value: object) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return _control(_STRING, len(text)) + text
    if isinstance(value, int):
        digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(_UINT32 if value < 1 << 32 else _UINT64, len(digits)) + digits
    if isinstance(value, list):
        return _control(_ARRAY, len(value)) + b"".join(map(_value, value))
    if isinstance(value, dict):
        return _control(_MAP, len(value)) + b"".join(_value(part) for pair in value.items() for part in pair)
    raise TypeError(f"no MMDB form for {type(value).__name__}")


def _data(records: Sequence[Mapping[str, str | int]]) -> tuple[bytes, Places]:
    """The data section and each record's offset in it; field names are stored once and pointed to."""
    names = list(dict.fromkeys(name for entry in records for name in entry))
    chunks = [_value(name) for name in names]
    starts = np.cumsum([0, *(len(chunk) for chunk in chunks)])
    pointer = {name: struct.pack(">H", 1 << 13 | int(at)) for name, at in zip(names, starts, strict=False)}
    bodies = [
        _control(_MAP, len(entry)) + b"".join(pointer[name] + _value(value) for name, value in entry.items())
        for entry in records
    ]
    offsets = int(starts[-1]) + np.cumsum([0, *(len(body) for body in bodies)])[:-1]
    return b"".join([*chunks, *bodies]), offsets.astype(np.int64)


def _metadata(kind: str, count: int, bits: int, built: int) -> bytes:
    def small(value: int) -> bytes:
        return _control(_UINT16, 2) + struct.pack(">H", value)

    fields = {
        "binary_format_major_version": small(2), "binary_format_minor_version": small(0),
        "build_epoch": _control(_UINT64, 8) + struct.pack(">Q", built), "database_type": _value(kind),
        "description": _value({"en": kind}), "ip_version": small(4 if bits == 32 else 6), "languages": _value(["en"]),
        "node_count": _value(count), "record_size": small(32),
    }  # fmt: skip
    body = b"".join(_value(name) + value for name, value in fields.items())
    return _MARKER + _control(_MAP, len(fields)) + body
