"""From the bytes of an answer to lines of JSON, one row a line, without a Python object per row.

The rows of the Table API hold strings and single-level objects only, so the array can be cut at `},{"`, in place. A value that
ends with `},{` holds the same bytes (at its closing quote), and other servers space their JSON: so the cut is checked, as
many lines as rows, else the slow parser does it and says so.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from pipelines.sources.servicenow.transport import ASLEEP, BadPage, Response

log = logging.getLogger("nowguard.source")

_HEAD = re.compile(rb'\s*\{\s*"result"\s*:\s*\[\s*')
_TAIL = re.compile(rb"\s*\]\s*\}\s*\Z")
_EMPTY = re.compile(rb'\s*\{\s*"result"\s*:\s*\[\s*\]\s*\}\s*\Z')
_SPACED = re.compile(rb'\}\s*,\s*\{(?=\s*")')
_OBJECT = re.compile(rb'(?<!\\)"\s*:\s*\{')  # a column whose value is an object; inside a string the quote is escaped
_BLOCK = 1 << 20  # searched at a time: stays in the processor's cache

Bytes = bytes | bytearray | memoryview
Breaks = npt.NDArray[np.int64]
_ONE_AT_A_TIME = threading.Lock()  # copies of a page exist once, not once per worker


@dataclass(frozen=True, slots=True)
class Page:
    """`text[start:end]` holds one JSON object a line; `keys` is the column the page is ordered by, in the page's order.

    `breaks`: where the line breaks are, one less than rows. `total` is the ACL-blind count where the server gave one. `has_objects`: references came as {link, value} although
    plain values were asked for.
    """

    text: bytes | bytearray
    start: int
    end: int
    keys: tuple[str, ...]
    breaks: Breaks
    total: int | None = None
    has_objects: bool = False

    @property
    def rows(self) -> int:
        return len(self.keys)

    @property
    def lines(self) -> memoryview:
        """The rows as they go to disk."""
        return self.between(0, self.rows)

    def first(self) -> dict[str, Any]:
        return self.row(0)

    def last(self) -> dict[str, Any]:
        return self.row(self.rows - 1)

    def row(self, number: int) -> dict[str, Any]:
        return _row(bytes(self.between(number, number + 1)))

    def between(self, first: int, stop: int) -> memoryview:
        """The lines of the rows `first` to `stop` - 1, without a copy; no trailing newline."""
        start = self.start if first == 0 else int(self.breaks[first - 1]) + 1
        end = self.end if stop >= self.rows else int(self.breaks[stop - 1])
        return memoryview(self.text)[start:end]

    def objects(self) -> list[dict[str, Any]]:
        """Every row as a dictionary: for small answers only."""
        return [_row(line) for line in bytes(self.lines).split(b"\n") if line]


def parse(answer: Response, key: str = "sys_id") -> Page:
    """Rows of a 200 answer. Raises `BadPage` for everything that is not exactly a list of objects."""
    if not answer.is_json:
        if answer.is_asleep:
            raise BadPage(ASLEEP)
        raise BadPage(f"HTTP 200 with {answer.headers.get('Content-Type', 'no content type')!r} instead of JSON")
    total = answer.headers.get("X-Total-Count", "")
    count = int(total) if total.isdigit() else None
    body = answer.body
    if len(body) < 100 and _EMPTY.match(body):
        return no_rows(count)
    with _ONE_AT_A_TIME:
        return _cut(body, key, count) or _respaced(body, key, count) or _slow(body, key, count)


def no_rows(total: int | None) -> Page:
    """An empty page."""
    return Page(b"", 0, 0, (), np.zeros(0, dtype=np.int64), total)


def _breaks(text: bytes | bytearray) -> Breaks:
    return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))


def _cut(body: bytearray, key: str, total: int | None) -> Page | None:
    """The fast way: commas between rows become line breaks, in place. None where the answer is not compact JSON."""
    edges = _edges(body)
    if edges is None:
        return None
    start, end = edges
    if body.find(b"\n", start, end) >= 0:
        return None
    view = np.frombuffer(body, dtype=np.uint8)
    braces = np.concatenate(
        [np.flatnonzero(view[at : at + _BLOCK] == ord("{")) + at for at in range(start + 1, end, _BLOCK)]
    )
    cuts = braces[(view[braces - 1] == ord(",")) & (view[braces - 2] == ord("}")) & (view[braces + 1] == ord('"'))] - 1
    keys = _aligned_keys(body, np.concatenate([[start], cuts + 1]), end, key) or _found_keys(body, key)
    if not keys or len(cuts) + 1 != len(keys):
        return None
    holds_objects = len(braces) > len(cuts) and _holds_objects(body, braces)
    view[cuts] = ord("\n")
    return Page(body, start, end, keys, cuts, total, holds_objects)


def _holds_objects(body: bytearray, braces: Breaks) -> bool:
    """Whether an object starts at one of the braces: `_OBJECT`, which is searched for only where blanks stand before one."""
    view = np.frombuffer(body, dtype=np.uint8)
    before = view[braces - 1]
    if ((before == ord(":")) & (view[braces - 2] == ord('"')) & (view[braces - 3] != ord("\\"))).any():
        return True
    return bool((before <= ord(" ")).any()) and _OBJECT.search(body) is not None


def _found_keys(body: bytes | bytearray, key: str) -> tuple[str, ...]:
    return tuple(found.decode() for found in re.findall(rb'"%s":"([^"]*)"' % key.encode(), body))


def _aligned_keys(body: bytearray, starts: Breaks, end: int, key: str) -> tuple[str, ...]:
    """The same as `_found_keys`, at once, where the key stands at one distance from every row's start; else empty."""
    name = b'"%s":"' % key.encode()
    at = body.find(name, int(starts[0]), end) - int(starts[0])
    long = body.find(b'"', int(starts[0]) + at + len(name), end) - int(starts[0]) - at - len(name)
    width = len(name) + long + 1
    if at < 0 or long <= 0 or int(starts[-1]) + at + width > end:
        return ()
    windows: Any = np.ndarray((len(body) - width + 1,), dtype=f"V{width}", buffer=body, strides=(1,))
    found = windows[starts + at].view(np.uint8).reshape(len(starts), width)
    if (found[:, : len(name)] != np.frombuffer(name, np.uint8)).any() or (found[:, -1] != ord('"')).any():
        return ()
    values = found[:, len(name) : -1]
    if ((values == ord('"')) | (values == ord("\\")) | (values > 126)).any():
        return ()
    text = values.tobytes().decode()
    return tuple(text[n : n + long] for n in range(0, len(text), long))


def _respaced(body: bytearray, key: str, total: int | None) -> Page | None:
    """Spaced or pretty-printed JSON: line breaks between tokens become blanks, the cut allows white space."""
    edges = _edges(body)
    if edges is None:
        return None
    flat = body[slice(*edges)].translate(bytes.maketrans(b"\r\n", b"  "))  # inside a string a line break is escaped
    text = _SPACED.sub(b"}\n{", flat)
    keys = tuple(found.decode() for found in re.findall(rb'"%s"\s*:\s*"([^"]*)"' % key.encode(), flat))
    if not keys or text.count(b"\n") + 1 != len(keys):
        return None
    return Page(text, 0, len(text), keys, _breaks(text), total, _OBJECT.search(text) is not None)


def _edges(body: bytearray) -> tuple[int, int] | None:
    """Where the rows start and end: the first `{` after `[` and the last `}` before `]`."""
    head = _HEAD.match(body)
    tail = _TAIL.search(body, max(0, len(body) - 64))
    if (
        head is None
        or tail is None
        or body[head.end() : head.end() + 1] != b"{"
        or body[tail.start() - 1 : tail.start()] != b"}"
    ):
        return None
    return head.end(), tail.start()


def _slow(body: bytearray, key: str, total: int | None) -> Page:
    """One Python object per row: only for answers that the fast cut does not understand."""
    found = loaded(body)
    if not isinstance(found, dict):
        raise BadPage("the answer is not a JSON object", smaller=True)
    if found.get("error") is not None:
        raise BadPage(_error_text(found["error"]), smaller=True)
    result = found.get("result")
    if not isinstance(result, list) or not all(isinstance(row, dict) for row in result):
        raise BadPage("the answer has no list of rows", smaller=True)
    log.warning("a page needed the slow parser: %d rows", len(result))
    text = b"\n".join(orjson.dumps(row) for row in result)
    keys = tuple(text_of(row, key) for row in result)
    return Page(text, 0, len(text), keys, _breaks(text), total, _OBJECT.search(text) is not None)


def loaded(body: bytes | bytearray) -> Any:
    """Lone surrogates and broken UTF-8, which orjson refuses, are replaced; anything else broken is a bad page."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return _replaced(json.loads(body.decode("utf-8", "replace"), strict=False))
    except (ValueError, RecursionError):
        cut = b"Transaction cancelled" in body
        reason = "the transaction was cancelled while streaming" if cut else "the JSON is broken or cut off"
        raise BadPage(reason, smaller=True) from None


def _replaced(found: Any) -> Any:
    """The same value without lone surrogates, which no column can store."""
    return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))


def _error_text(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    shown = "".join(c if c.isprintable() else " " for c in str(message)[:120])
    return f"the answer carries an error: {shown}"


def _row(line: bytes | bytearray) -> dict[str, Any]:
    try:
        found = loaded(line)
    except BadPage:
        raise BadPage("a row of the page is broken", smaller=True) from None
    if not isinstance(found, dict):
        raise BadPage("a row of the page is no object", smaller=True)
    return found


def text_of(row: dict[str, Any], column: str) -> str:
    """A column of one row as text: plain, or the `value` of a reference object."""
    value = row.get(column)
    if isinstance(value, dict):
        value = value.get("value")
    return "" if value is None else str(value)
