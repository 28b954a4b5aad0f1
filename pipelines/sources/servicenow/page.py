"""From the bytes of an answer to lines of JSON, one row a line, without a Python object per row.

The rows of the Table API hold strings and single-level objects only, and the bytes `},{"` cannot occur inside a JSON
string (its quote would be escaped), so the array can be cut there. The cut is checked: as many lines as rows, else the
slow parser does it and says so.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import Any

import orjson

from pipelines.sources.servicenow.transport import BadPage, Response

log = logging.getLogger("nowguard.source")

_HEAD = re.compile(rb'^\s*\{\s*"result"\s*:\s*\[')
_TAIL = re.compile(rb"\]\s*\}\s*$")
_EMPTY = re.compile(rb'^\s*\{\s*"result"\s*:\s*\[\s*\]\s*\}\s*$')
_SPACED = re.compile(rb'\}\s*,\s*\{(?=\s*")')
_ASLEEP = re.compile(rb"hibernat", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """`lines`: one JSON object a line, no trailing newline. `total`: the ACL-blind count where the server gave one."""

    lines: bytes
    rows: int
    total: int | None = None
    has_objects: bool = False  # references came as {link, value} although we asked for plain values

    def first(self) -> dict[str, Any]:
        return _row(self.lines[: _end(self.lines.find(b"\n"), self.lines)])

    def last(self) -> dict[str, Any]:
        return _row(self.lines[self.lines.rfind(b"\n") + 1 :])


def parse(answer: Response, key: str = "sys_id") -> Page:
    """Rows of a 200 answer. Raises `BadPage` for everything that is not exactly a list of objects."""
    if not answer.is_json:
        if _ASLEEP.search(answer.body[:20_000]):
            raise BadPage("the instance is hibernating")
        raise BadPage(f"HTTP 200 with {answer.headers.get('Content-Type', 'no content type')!r} instead of JSON")
    total = answer.headers.get("X-Total-Count", "")
    count = int(total) if total.isdigit() else None
    body = answer.body
    if _EMPTY.match(body):
        return Page(b"", 0, count)
    head, tail = _HEAD.match(body), _TAIL.search(body, max(0, len(body) - 64))
    if head is None or tail is None:
        return _slow(body, count)
    inner = body[head.end() : tail.start()].strip()
    rows = inner.count(b'"%s":' % key.encode())
    lines = inner.replace(b'},{"', b'}\n{"')
    if b"\n" in inner or lines.count(b"\n") + 1 != rows:
        return _respaced(body, inner, rows, key, count)
    return Page(lines, rows, count, _holds_objects(lines))


def _respaced(body: bytes, inner: bytes, rows: int, key: str, total: int | None) -> Page:
    """Spaced or pretty-printed JSON: line breaks between tokens become blanks, the cut allows white space."""
    flat = inner.replace(b"\r", b" ").replace(b"\n", b" ")  # inside a string a line break is escaped
    lines = _SPACED.sub(b"}\n{", flat)
    counted = rows or len(re.findall(rb'"%s"\s*:' % key.encode(), flat))
    if lines.count(b"\n") + 1 != counted or not lines.startswith(b"{"):
        return _slow(body, total)
    return Page(lines, counted, total, _holds_objects(lines))


def _holds_objects(lines: bytes) -> bool:
    return lines.find(b'":{') >= 0 or lines.find(b'": {') >= 0


def _slow(body: bytes, total: int | None) -> Page:
    """One Python object per row: only for answers that the fast cut does not understand."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _lenient(body)
    if not isinstance(found, dict):
        raise BadPage("the answer is not a JSON object", smaller=True)
    if found.get("error") is not None:
        raise BadPage(_error_text(found["error"]), smaller=True)
    result = found.get("result")
    if not isinstance(result, list) or not all(isinstance(row, dict) for row in result):
        raise BadPage("the answer has no list of rows", smaller=True)
    log.warning("a page needed the slow parser: %d rows", len(result))
    lines = b"\n".join(orjson.dumps(row) for row in result)
    return Page(lines, len(result), total, _holds_objects(lines))


def _lenient(body: bytes) -> Any:
    """Lone surrogates are valid for `json`, not for orjson; they are replaced. Anything else broken is a bad page."""
    try:
        found = json.loads(body)
        return json.loads(json.dumps(found).encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    except (ValueError, UnicodeDecodeError, RecursionError):
        cut = b"Transaction cancelled" in body
        raise BadPage("the transaction was cancelled while streaming" if cut else "the JSON is broken or cut off", smaller=True) from None


def _error_text(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return f"the answer carries an error: {str(message)[:120]}"


def _row(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadPage("a row of the page is broken", smaller=True) from None
    if not isinstance(found, dict):
        raise BadPage("a row of the page is no object", smaller=True)
    return found


def _end(at: int, lines: bytes) -> int:
    return at if at >= 0 else len(lines)


def text_of(row: dict[str, Any], column: str) -> str:
    """A column of one row as text: plain, or the `value` of a reference object."""
    value = row.get(column)
    if isinstance(value, dict):
        value = value.get("value")
    return "" if value is None else str(value)
