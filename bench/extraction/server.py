"""A ServiceNow-shaped server for benchmarks: pages are cut out of bytes that were rendered once.

    python -m bench.extraction.server --rows 100000 --port 0

prints its URL and serves `syslog_transaction` (25 columns, about 820 bytes a row) by keyset or offset, `stats`, and
`oauth_token.do`. Blocks of 100,000 rows fill one day each; every day is the first with another date and other ids, so that
millions of rows cost no memory. Requests of one session run one at a time when `--session-sync` is on (servicenow-api.md 1.3).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np

from bench.extraction.span import BLOCK, FIRST_DAY

NOW = datetime(2026, 6, 1)
TERM = re.compile(r"sys_created_on(>=|<=|<|>|=)(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$")
AGENTS = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    for version in range(118, 128)
]
PATHS = [
    "/incident.do",
    "/api/now/table/incident",
    "/sys_attachment.do",
    "/$pa_dashboard.do",
    "/xmlhttp.do",
    "/task_list.do",
]


@dataclass(frozen=True)
class Block:
    """One day of rows in the order of (second, sys_id): bytes, where each row starts, and each row's second of the day."""

    body: np.ndarray
    starts: np.ndarray  # one more than rows: the end
    seconds: np.ndarray
    id_at: int  # offset of `sys_id`'s value in a row
    time_at: int


def render(rows: int = BLOCK, *, everything: bool = False, seed: int = 7) -> Block:
    """`everything`: each value as {"display_value", "value"}, what ServiceNow's own client asks for."""
    draw = random.Random(seed)
    keys = sorted((draw.randrange(86_400), f"000{draw.getrandbits(116):029x}") for _ in range(rows))
    pieces = [_row(draw, second, key, everything) for second, key in keys]
    lengths = np.fromiter((len(p) + 1 for p in pieces), dtype=np.int64, count=rows)
    body = np.frombuffer(b",".join(pieces) + b",", dtype=np.uint8)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    head = pieces[0]
    return Block(
        body, starts, np.array([k[0] for k in keys]), head.index(keys[0][1].encode()), head.index(b"2026-01-01")
    )


def _row(draw: random.Random, second: int, key: str, everything: bool) -> bytes:
    user, took = f"user.{draw.randrange(20_000):05d}", draw.randrange(20, 4000)
    target = f"{draw.getrandbits(128):032x}"
    values = {
        "sys_id": key,
        "sys_created_on": f"2026-01-01 {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
        "url": f"{draw.choice(PATHS)}?sys_id={target}&sysparm_view=default&sysparm_record_target={target[:12]}",
        "type": draw.choice(["form", "list", "rest", "xmlhttp"]),
        "remote_ip": f"198.51.{draw.randrange(256)}.{draw.randrange(256)}",
        "user_agent": draw.choice(AGENTS),
        "session": f"{draw.getrandbits(128):032X}",
        "sys_created_by": user,
        "response_time": str(took),
        "output_length": str(draw.randrange(200, 200_000)),
        "sql_count": str(draw.randrange(1, 90)),
        "sql_time": str(took // 3),
        "business_rule_count": str(draw.randrange(30)),
        "business_rule_time": str(took // 9),
        "network_time": str(draw.randrange(200)),
        "client_transaction": draw.choice(["true", "false"]),
        "client_response_time": str(took + draw.randrange(300)),
        "client_network_time": str(draw.randrange(90)),
        "browser_time": str(draw.randrange(900)),
        "system_id": f"app{draw.randrange(1, 5)}.dc1.example:acme{draw.randrange(1, 5):03d}",
        "gzip": "true",
        "protocol": "HTTP/1.1",
        "transaction_pattern": f"{draw.getrandbits(32):08x}",
        "app_scope": "global",
        "status": draw.choice(["200", "200", "200", "304", "401", ""]),
    }
    if everything:
        return json.dumps(
            {k: {"display_value": v, "value": v} for k, v in values.items()}, separators=(",", ":")
        ).encode()
    return json.dumps(values, separators=(",", ":")).encode()


class Rows:
    """The virtual table: block `d` is day `d` of it."""

    def __init__(self, total: int, *, everything: bool = False) -> None:
        self.total = total
        self.block = render(min(total, BLOCK), everything=everything)
        self.per_day = len(self.block.seconds)

    def index(self, moment: datetime) -> int:
        """How many rows lie before `moment`."""
        passed = moment - FIRST_DAY
        if passed < timedelta(0):
            return 0
        within = int(np.searchsorted(self.block.seconds, passed.seconds, side="left"))
        return min(self.total, passed.days * self.per_day + within)

    def page(self, start: int, stop: int) -> bytes:
        pieces = [b'{"result":[']
        for day in range(start // self.per_day, -(-stop // self.per_day)):
            low, high = max(start - day * self.per_day, 0), min(stop - day * self.per_day, self.per_day)
            if low < high:
                pieces.append(self._dated(day, low, high))
        pieces[-1] = pieces[-1].removesuffix(b",")
        return b"".join([*pieces, b"]}"])

    def _dated(self, day: int, low: int, high: int) -> bytes:
        starts = self.block.starts[low:high]
        first, last = int(self.block.starts[low]), int(self.block.starts[high])
        cut = self.block.body[first:last].copy()
        date = np.frombuffer(f"{FIRST_DAY + timedelta(days=day):%Y-%m-%d}".encode(), dtype=np.uint8)
        places = (starts - first)[:, None]
        cut[places + np.arange(10) + self.block.time_at] = date
        cut[places + np.arange(3) + self.block.id_at] = np.frombuffer(f"{day:03x}".encode(), dtype=np.uint8)
        return cut.tobytes()


class Service:
    """What all handler threads share."""

    def __init__(self, rows: int, latency: float, session_sync: bool) -> None:
        self.latency = latency
        self.session_sync = session_sync
        self.plain = Rows(rows)
        self._all: Rows | None = None
        self._lock = threading.Lock()
        self._sessions: dict[str, threading.Lock] = {}
        self._squeezed: OrderedDict[tuple[int, int, bool], bytes] = OrderedDict()
        self.served = 0

    def rows(self, everything: bool) -> Rows:
        if not everything:
            return self.plain
        with self._lock:
            if self._all is None:
                self._all = Rows(self.plain.total, everything=True)
            return self._all

    def session(self, name: str) -> threading.Lock:
        with self._lock:
            return self._sessions.setdefault(name, threading.Lock())

    def squeezed(self, key: tuple[int, int, bool], body: bytes) -> bytes:
        """Kept, so that rounds after the first measure the client and not this server's zlib."""
        with self._lock:
            found = self._squeezed.get(key)
        if found is None:
            found = gzip.compress(body, 1)
            with self._lock:
                self._squeezed[key] = found
                if len(self._squeezed) > 100:
                    self._squeezed.popitem(last=False)
        return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Service

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(
            b'{"access_token":"t","refresh_token":"r","scope":"useraccount","token_type":"Bearer","expires_in":3599}'
        )

    def do_GET(self) -> None:
        jar = re.search(r"JSESSIONID=(\w+)", self.headers.get("Cookie", ""))
        session = jar.group(1) if jar else f"{random.getrandbits(64):x}"
        if self.service.session_sync:
            with self.service.session(session):
                time.sleep(self.service.latency)
        elif self.service.latency:
            time.sleep(self.service.latency)
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path.startswith("/api/now/stats/"):
            low, high = self._range(asked.get("sysparm_query", ""))
            self._send(json.dumps({"result": {"stats": {"count": str(high - low)}}}).encode(), session=session)
        elif not address.path.endswith("/syslog_transaction"):
            self._send(b'{"result":[]}', session=session, total=0)
        else:
            self._list(asked, session)

    def _list(self, asked: dict[str, str], session: str) -> None:
        low, high = self._range(asked.get("sysparm_query", ""))
        start = low + int(asked.get("sysparm_offset", 0))
        stop = min(high, start + int(asked.get("sysparm_limit", 10_000)))
        everything = asked.get("sysparm_display_value", "").lower() == "all"
        total = None if asked.get("sysparm_no_count") == "true" else high - low
        body = b'{"result":[]}' if start >= stop else self.service.rows(everything).page(start, stop)
        self.service.served += 1
        self._send(body, session=session, total=total, key=(start, stop, everything))

    def _range(self, query: str) -> tuple[int, int]:
        rows = self.service.plain
        low, high = 0, rows.total
        for part in query.split("^"):
            if not part or part.startswith("ORDERBY"):
                continue
            found = TERM.match(part)
            if found is None:
                raise ValueError(f"the mock does not know {part!r}")
            moment = datetime.strptime(found.group(2), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
            after = rows.index(moment + timedelta(seconds=1))
            at = rows.index(moment)
            low = max(low, {">=": at, ">": after, "=": at}.get(found.group(1), low))
            high = min(high, {"<": at, "<=": after, "=": after}.get(found.group(1), high))
        return low, max(low, high)

    def _send(
        self, body: bytes, *, session: str = "", total: int | None = None, key: tuple[int, int, bool] | None = None
    ) -> None:
        self.send_response_only(200)
        self.send_header("Date", formatdate((NOW - datetime(1970, 1, 1)).total_seconds(), usegmt=True))
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        if session:
            self.send_header("Set-Cookie", f"JSESSIONID={session}; Path=/; HttpOnly")
        if total is not None:
            self.send_header("X-Total-Count", str(total))
        if key is not None and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = self.service.squeezed(key, body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--session-sync", action="store_true", help="one request at a time per session cookie")
    given = parser.parse_args()
    Handler.service = Service(given.rows, given.latency, given.session_sync)
    server = Server(("127.0.0.1", given.port), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
