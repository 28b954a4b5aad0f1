"""A small ServiceNow-shaped server that shares nothing with the project's emulator: rows in memory, faults by call number."""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]
NOW = datetime(2026, 3, 10, 6, 0, 0)
USER, PASSWORD, CLIENT, SECRET = "collector", "pass-canary-1", "client-1", "secret-canary-2"
TERM = re.compile(r"^([a-z_]+)(>=|<=|!=|>|<|=|IN)(.*)$", re.DOTALL)
HTML = "<html><h1>Your instance is hibernating</h1></html>"
CANCELLED = (
    '"error":{"message":"Transaction cancelled: maximum execution time exceeded","detail":""},"status":"failure"'
)


@dataclass
class Reply:
    """What goes over the wire. `cut`: bytes let through before the connection is reset."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float = 0.0


Fault = Callable[[Reply], Reply]


@dataclass
class Instance:
    """What the server knows. `faults`: number of a data call (from 1) -> what becomes of its answer."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    hidden: dict[str, Callable[[Row], bool]] = field(default_factory=dict)
    columns_hidden: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    refuses_ranges: set[str] = field(default_factory=set)  # columns whose range terms and sorting are dropped
    sorts_by_case: bool = True
    faults: dict[int, Fault] = field(default_factory=dict)
    table_faults: dict[str, Fault] = field(default_factory=dict)
    every: Fault | None = None
    token_fault: Fault | None = None
    token_life: int = 1800
    version: int = 2
    counts: bool = True
    keeps_references: bool = False
    latency: float = 0.0
    before_page: Callable[[Instance, str], None] | None = None
    calls: list[tuple[str, dict[str, str], dict[str, str], float]] = field(default_factory=list)
    token_calls: int = 0
    token_number: int = 0
    token_ends: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""

    def data_calls(self, table: str = "") -> list[dict[str, str]]:
        return [query for path, query, _, _ in self.calls if "/table/" in path and path.endswith(table)]

    # -- answers

    def token(self, form: dict[str, str]) -> Reply:
        with self.lock:
            self.token_calls += 1
            good = form.get("client_id") == CLIENT and form.get("client_secret") == SECRET
            grant = form.get("grant_type")
            good &= (
                (grant == "password" and (form.get("username"), form.get("password")) == (USER, PASSWORD))
                or (grant == "refresh_token" and form.get("refresh_token") == "refresh-canary-3")
                or grant == "client_credentials"
            )
            if not good:
                return Reply(401, b'{"error_description":"access_denied","error":"server_error"}')
            if time.monotonic() >= self.token_ends:
                self.token_number += 1
                self.token_ends = time.monotonic() + self.token_life
            left = max(0, int(self.token_ends - time.monotonic()))
            found: dict[str, Any] = {
                "access_token": f"access-canary-{self.token_number}", "scope": "useraccount", "token_type": "Bearer", "expires_in": left,
            }  # fmt: skip
            if grant != "client_credentials":
                found["refresh_token"] = "refresh-canary-3"
            return Reply(200, json.dumps(found).encode())

    def is_known(self, header: str) -> bool:
        import base64

        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return header == basic or (
            header == f"Bearer access-canary-{self.token_number}" and time.monotonic() < self.token_ends
        )

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Reply:
        with self.lock:
            self.calls.append((path, query, headers, time.monotonic()))
            number = len(self.calls)
        if not self.is_known(headers.get("authorization", "")):
            return Reply(
                401,
                b'{"error":{"message":"User Not Authenticated","detail":"Required to provide Auth information"},"status":"failure"}',
            )
        table = path.rsplit("/", 1)[1]
        reply = self.stats(table, query) if "/stats/" in path else self.list(table, query)
        fault = self.faults.get(number) or self.table_faults.get(table) or self.every
        return fault(reply) if fault else reply

    def stats(self, table: str, query: dict[str, str]) -> Reply:
        with self.lock:
            count = len(self.matching(table, query.get("sysparm_query", "")))
        return Reply(200, json.dumps({"result": {"stats": {"count": str(count)}}}).encode())

    def list(self, table: str, query: dict[str, str]) -> Reply:
        if table in self.denied:
            return Reply(
                403,
                b'{"error":{"message":"User Not Authorized","detail":"Failed API level ACL Validation"},"status":"failure"}',
            )
        if table not in self.rows:
            return Reply(
                400,
                json.dumps(
                    {"error": {"message": f"Invalid table {table}", "detail": None}, "status": "failure"}
                ).encode(),
            )
        if self.before_page:
            self.before_page(self, table)
        with self.lock:
            found = self.matching(table, query.get("sysparm_query", ""))
        start = int(query.get("sysparm_offset", 0))
        page = found[start : start + int(query.get("sysparm_limit", 10_000))]
        is_hidden = self.hidden.get(table, lambda row: False)
        wanted = [c for c in query.get("sysparm_fields", "").split(",") if c and c not in self.columns_hidden]
        shown = [{c: self.value(r[c]) for c in wanted if c in r} for r in page if not is_hidden(r)]
        if self.version == 1 and not shown:
            return Reply(
                404,
                b'{"error":{"message":"No Record found","detail":"Record doesn\'t exist or ACL restricts the record retrieval"},"status":"failure"}',
            )
        headers = {}
        if self.counts and query.get("sysparm_no_count") != "true":
            headers["X-Total-Count"] = str(len(found))
        return Reply(200, json.dumps({"result": shown}, separators=(",", ":")).encode(), headers=headers)

    def value(self, value: Any) -> Any:
        if (
            self.keeps_references
            and isinstance(value, str)
            and re.fullmatch(r"[0-9a-f]{32}", value)
            and not value.startswith("0")
        ):
            return {"link": f"{self.url}/api/now/table/x/{value}", "value": value}
        return value

    def matching(self, table: str, query: str) -> list[Row]:
        found = list(self.rows.get(table, []))
        orders: list[tuple[str, bool]] = []
        for part in (p.replace("\0", "^") for p in query.replace("^^", "\0").split("^")):
            if part.startswith("ORDERBYDESC"):
                orders.append((part[11:], True))
            elif part.startswith("ORDERBY"):
                orders.append((part[7:], False))
            elif part:
                term = TERM.match(part)
                assert term is not None, part
                found = [row for row in found if self.holds(row, *term.groups())]
        for column, down in reversed(orders):
            if column not in self.refuses_ranges:
                found.sort(key=lambda row: str(row.get(column, "")), reverse=down)
        return found

    def holds(self, row: Row, column: str, operator: str, value: str) -> bool:
        have = str(row.get(column, ""))
        if operator == "IN":
            return have in value.split(",")
        if operator == "=":
            return have == value
        if column in self.refuses_ranges:
            return True
        return {">=": have >= value, "<=": have <= value, ">": have > value, "<": have < value}[operator]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    instance: Instance

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        reply = self.instance.token({k: v[0] for k, v in parse_qs(body).items()})
        self.send(self.instance.token_fault(reply) if self.instance.token_fault else reply)

    def do_GET(self) -> None:
        time.sleep(self.instance.latency)
        address = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(address.query, keep_blank_values=True).items()}
        self.send(self.instance.answer(address.path, query, {k.lower(): v for k, v in self.headers.items()}))

    def send(self, reply: Reply) -> None:
        body = reply.body
        headers = {
            "Date": format_datetime(NOW.replace(tzinfo=UTC), usegmt=True),
            "Content-Type": reply.kind,
            **reply.headers,
        }
        headers["Set-Cookie"] = "JSESSIONID=1; Path=/"
        if (
            "gzip" in self.headers.get("Accept-Encoding", "")
            and len(body) > 500
            and reply.cut is None
            and not reply.drip
            and "Content-Encoding" not in headers
        ):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.cut is not None:
            self.wfile.write(body[: reply.cut])
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if reply.drip:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(reply.drip)
            return
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Resets are part of the tests."""


@contextmanager
def running(instance: Instance) -> Iterator[Instance]:
    handler = type("Handler", (_Handler,), {"instance": instance})
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    instance.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield instance
    finally:
        server.shutdown()
        server.server_close()


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def log_rows(count: int, *, start: datetime = datetime(2026, 3, 9), step: float = 7.0, ties: int = 1) -> list[Row]:
    """`count` rows of `sysevent`; `ties` rows share each second."""
    return [
        {
            "sys_id": f"0{(n * 0x9E3779B97F4A7C15) % (1 << 120):031x}", "sys_created_on": wire(start + timedelta(seconds=int(n // ties * step))),
            "name": "login", "parm1": f"user.{n}", "parm2": "198.51.100.7", "table": "", "instance": f"a{n:031x}", "user_id": "", "user_name": "u",
            "uri": "", "queue": "", "state": "processed", "sys_created_by": "u", "sys_updated_on": wire(start),
        }
        for n in range(count)
    ]  # fmt: skip
