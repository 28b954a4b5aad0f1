"""A fast Table API over rows rendered once: what the client costs, not the server. Not the emulator, and shares no code with it.

`python bench/extraction/mock_table_api.py --rows 100000 [--latency 0.2] [--session-sync] [--gzip]` prints its port.
Serves `syslog_transaction` of one day (25 text columns, about 820 bytes a row) with keyset and offset paging.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import threading
import time
from bisect import bisect_left
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DAY = datetime(2026, 3, 2)
EXTRA = [f"col_{n:02d}" for n in range(12)]


class Rows:
    """Times, ids and rendered objects, in the order of (time, id)."""

    def __init__(self, count: int) -> None:
        times = [(DAY + timedelta(seconds=86_399 * i // count)).strftime("%Y-%m-%d %H:%M:%S") for i in range(count)]
        ids = [f"{(i * 0x9E3779B97F4A7C15) & ((1 << 128) - 1):032x}" for i in range(count)]
        order = sorted(range(count), key=lambda i: (times[i], ids[i]))
        self.times = [times[i] for i in order]
        self.ids = [ids[i] for i in order]
        self.rendered = [self._row(times[i], ids[i], i).encode() for i in order]

    @staticmethod
    def _row(time: str, sys_id: str, i: int) -> str:
        row = {
            "sys_id": sys_id, "sys_created_on": time, "sys_created_by": f"user.{i % 997:04d}", "type": "rest",
            "url": f"/api/now/table/incident?sysparm_query=active=true^number=INC{i:07d}&sysparm_limit=10",
            "remote_ip": f"198.51.{i % 251}.{i % 241}", "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
            "session": f"{i % 5003:032x}", "response_time": str(i % 900), "output_length": str(i % 90_000), "sql_count": str(i % 40),
            "status": "200", "sys_mod_count": "0", **{name: f"value {i % 113} of {name}" for name in EXTRA},
        }  # fmt: skip
        return json.dumps(row, separators=(",", ":"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rows: Rows
    latency = 0.0
    session_sync = False
    zipped = False
    sessions: dict[str, threading.Lock] = {}
    served = 0

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(
            b'{"access_token":"t","refresh_token":"r","scope":"useraccount","token_type":"Bearer","expires_in":3600}'
        )

    def do_GET(self) -> None:
        cookie = self.headers.get("Cookie", "")
        lock = self.sessions.setdefault(cookie, threading.Lock()) if cookie and self.session_sync else None
        if lock:
            lock.acquire()
        try:
            if self.latency:
                time.sleep(self.latency)
            self._serve()
        finally:
            if lock:
                lock.release()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        low, high = self._range(query.get("sysparm_query", ""))
        if parts.path.startswith("/api/now/stats/"):
            self._answer(b'{"result":{"stats":{"count":"%d"}}}' % (high - low))
            return
        if not parts.path.endswith("/syslog_transaction"):
            self._answer(b'{"result":[]}', total=0)
            return
        start = low + int(query.get("sysparm_offset") or 0)
        stop = min(high, start + int(query.get("sysparm_limit") or 10_000))
        type(self).served += 1
        self._answer(b'{"result":[' + b",".join(self.rows.rendered[start:stop]) + b"]}", total=high - low)

    def _range(self, encoded: str) -> tuple[int, int]:
        low, high = 0, len(self.rows.times)
        exact = re.search(r"sys_created_on=([^^]+)", encoded)
        if exact:
            return bisect_left(self.rows.times, exact[1]), bisect_left(self.rows.times, exact[1] + "~")
        if found := re.search(r"sys_created_on>=([^^]+)", encoded):
            low = bisect_left(self.rows.times, found[1])
        if found := re.search(r"sys_created_on<([^=^][^^]*)", encoded):
            high = bisect_left(self.rows.times, found[1])
        return low, max(low, high)

    def _answer(self, body: bytes, total: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        if total is not None:
            self.send_header("X-Total-Count", str(total))
        if self.session_sync and "Cookie" not in self.headers:
            self.send_header("Set-Cookie", f"JSESSIONID={id(self):x}; Path=/")
        if self.zipped and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(
    count: int, *, port: int = 0, latency: float = 0.0, session_sync: bool = False, zipped: bool = False
) -> ThreadingHTTPServer:
    """A bound server, not yet running."""
    made = type(
        "Bound",
        (Handler,),
        {"rows": Rows(count), "latency": latency, "session_sync": session_sync, "zipped": zipped, "sessions": {}},
    )
    server = ThreadingHTTPServer(("127.0.0.1", port), made)
    server.daemon_threads = True
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--session-sync", action="store_true")
    parser.add_argument("--gzip", action="store_true")
    given = parser.parse_args()
    server = serve(
        given.rows, port=given.port, latency=given.latency, session_sync=given.session_sync, zipped=given.gzip
    )
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
