"""The emulator as a server on loopback: in a thread for tests, in the foreground for people."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

import polars as pl
import uvicorn
from starlette.datastructures import UploadFile
from starlette.requests import Request

from pipelines.emulator import tls as certificates
from pipelines.emulator.clock import Clock
from pipelines.emulator.control import PREFIX, Control
from pipelines.emulator.demo_records import add_demo_records, add_platform
from pipelines.emulator.dispatch import Dispatcher
from pipelines.emulator.entra import Entra
from pipelines.emulator.faults import Fault
from pipelines.emulator.instance import EmulatorSettings, Instance
from pipelines.emulator.messages import Answer, Call, new_id
from pipelines.emulator.organisation import generate, ip_lists, network_mmdb
from pipelines.emulator.organisation.world import World
from pipelines.emulator.schema import PLUGIN_TABLES
from pipelines.emulator.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

COLLECTOR = "nowguard.collector"
INSTANCE_NAME = "demo"
GZIP_FROM = 1024  # bytes
DRIP = 64  # bytes a chunk


class App:
    """The ASGI application: reads a request, lets a thread answer it, carries out what faults do to the wire."""

    def __init__(self, dispatcher: Dispatcher, control: Control, entra: Entra, base_url: str) -> None:
        self.dispatcher = dispatcher
        self.control = control
        self.entra = entra
        self.base_url = base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        form = None
        body = b""
        if headers.get("content-type", "").startswith("multipart/form-data"):
            form = await _form(Request(scope, receive))
        else:
            body = await _body(receive)
        if scope["path"].startswith(PREFIX):
            answer = await asyncio.to_thread(self.control.answer, scope["method"], scope["path"], body)
            await self._send(send, answer, headers, None)
            return
        query = scope["query_string"].decode("latin-1")
        call = Call(
            scope["method"], scope["path"], dict(parse_qsl(query, keep_blank_values=True)), headers, body, self.base_url,
            self.dispatcher.instance.settings.client_ip or (scope.get("client") or ("127.0.0.1", 0))[0],
            target=unquote(scope["path"] + (f"?{query}" if query else "")),
        )  # fmt: skip
        if self.entra.serves(call.path):
            answer, fault = await asyncio.to_thread(self.entra.answer, call)
            answer.headers["Date"] = format_datetime(self.entra.clock.now()).replace("-0000", "GMT")
        else:
            answer, fault = await asyncio.to_thread(self.dispatcher.answer, call, form)
            answer.headers = {**self._common(), **answer.headers}
            answer.cookies = _cookies()
        await self._send(send, answer, headers, fault)

    async def _send(self, send: Send, answer: Answer, asked: dict[str, str], fault: Fault | None) -> None:
        body = answer.body
        headers = [(b"content-type", answer.content_type.encode())] if body or answer.status == 200 else []
        headers += [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in answer.headers.items()]
        headers += [(b"set-cookie", c.encode()) for c in answer.cookies]
        if len(body) >= GZIP_FROM and "gzip" in asked.get("accept-encoding", "") and fault is None:
            body = await asyncio.to_thread(gzip.compress, body, 1)
            headers.append((b"content-encoding", b"gzip"))
        if answer.status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if fault is not None and fault.kind == "reset":
            await send({"type": "http.response.body", "body": body[: fault.offset], "more_body": True})
            _abort(send)
            return
        if fault is not None and fault.kind == "drip":
            for start in range(0, len(body), DRIP):
                await send({"type": "http.response.body", "body": body[start : start + DRIP], "more_body": True})
                await asyncio.sleep(fault.seconds)
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _common(self) -> dict[str, str]:
        transaction = new_id()[:12]
        now = self.dispatcher.instance.clock.now()
        return {
            "Date": format_datetime(now).replace("-0000", "GMT"), "Server": "snow_adc", "X-Is-Logged-In": "true", "X-Is-Visitor": "false",
            "X-Transaction-ID": transaction, "Server-Timing": f't;desc="{transaction}", sem_wait;dur=0, sesh_wait;dur=0',
            "X-Content-Type-Options": "nosniff", "Pragma": "no-store,no-cache",
            "Cache-Control": "no-cache,no-store,must-revalidate,max-age=-1", "Expires": "0",
            "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        }  # fmt: skip


def _cookies() -> tuple[str, ...]:
    session = new_id()
    return (
        f"JSESSIONID={session.upper()}; Path=/; HttpOnly", f"glide_user_route=glide.{session}; Path=/; HttpOnly",
        f"glide_session_store={session}; Max-Age=300; Path=/; HttpOnly", 'glide_user=""; Max-Age=0; Path=/',
        f"glide_node_id_for_js={session}; Path=/", 'glide_user_session=""; Max-Age=0; Path=/',
    )  # fmt: skip


def _abort(send: Send) -> None:
    """Drop the connection as a failing node does: the rest of the body never comes."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is not None:
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        transport.abort()


async def _body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _form(request: Request) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                parts[name] = (
                    value.filename or name,
                    value.content_type or "application/octet-stream",
                    await value.read(),
                )
            else:
                parts[name] = value
    return parts


@dataclass
class RunningEmulator:
    """A server that answers. Use as a context manager, or call `stop`."""

    url: str
    control: Control
    entra: Entra
    ca_file: Path | None
    world: World | None
    _server: uvicorn.Server = field(repr=False)
    _thread: threading.Thread = field(repr=False)
    _sockets: list[socket.socket] = field(repr=False)

    @property
    def folder(self) -> Path:
        return self.control.instance.store.folder

    def info(self) -> dict[str, Any]:
        """What a client needs, as the `--info` file has it; writes the location data on first use."""
        instance = self.control.instance
        client_id, client_secret = next(iter(instance.clients.items()), ("", ""))
        user = COLLECTOR if COLLECTOR in instance.passwords else next(iter(instance.passwords), "")
        found: dict[str, Any] = {
            "url": self.url, "ca_bundle": str(self.ca_file) if self.ca_file else None, "control_url": f"{self.url}{PREFIX}", "username": user,
            "password": instance.passwords.get(user, ""), "client_id": client_id, "client_secret": client_secret,
            "instance_name": INSTANCE_NAME, "now": instance.clock.wire(), "geo_db": None, "asn_db": None, "ip_lists": None,
            "admin_username": "admin", "admin_password": instance.passwords.get("admin", ""),
            **self.entra.info(self.url),
        }  # fmt: skip
        if self.world is not None:
            city, asn = network_mmdb(self.world, self.folder / "geo")
            ip_lists(self.world, self.folder / "ip_lists")
            found |= {"geo_db": str(city), "asn_db": str(asn), "ip_lists": str(self.folder / "ip_lists")}
        return found

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=10)
        for bound in self._sockets:
            bound.close()
        self.control.instance.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    world: World | None = None, *, tables_dir: Path | None = None, port: int = 0, tls: bool = False, now: datetime | None = None,
    settings: EmulatorSettings | None = None, demo_records: bool | None = None,
) -> RunningEmulator:  # fmt: skip
    """Serve `world`, the `<table>.jsonl` files of `tables_dir`, or only the stock demo records, on loopback in a thread.

    Rows of your own stay alone unless `demo_records` asks for the stock ones: then only an `admin` is added who may sign in.
    """
    with_stock = tables_dir is None if demo_records is None else demo_records
    instance = build(world, tables_dir, now, settings or EmulatorSettings(), with_stock)
    dispatcher = Dispatcher(instance)
    control = Control(dispatcher)
    entra = Entra(instance.clock, instance.faults, instance.entra_secret, world.directory if world else ())
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    url = f"{'https' if tls else 'http'}://localhost:{bound.getsockname()[1]}"
    ca, chain, key = certificates.make(instance.store.folder / "tls") if tls else (None, None, None)
    config = uvicorn.Config(
        App(dispatcher, control, entra, url), log_level="warning", access_log=False, proxy_headers=False, server_header=False, date_header=False,
        lifespan="off", h11_max_incomplete_event_size=1 << 20, ssl_certfile=chain, ssl_keyfile=key, ws="none",
        timeout_keep_alive=30,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not ours to take in a thread
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="emulator", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    return RunningEmulator(url, control, entra, ca, world, server, thread, [bound])


def build(
    world: World | None, tables_dir: Path | None, now: datetime | None, settings: EmulatorSettings, demo_records: bool
) -> Instance:
    """The instance with its rows, accounts and rights."""
    clock = Clock(now or (world.end + timedelta(minutes=30) if world else datetime.now().replace(microsecond=0)))  # noqa: DTZ005  # no world, no UTC day to keep
    store = Store(clock)
    instance = Instance(store, clock, settings)
    if world is not None:
        for table, frame in world.tables.items():
            store.load(table, frame)
        store.script(world.changes)
        instance.attachments = world.attachments
        _accounts(instance, dict(world.accounts))
    if tables_dir is not None:
        for path in sorted(tables_dir.glob("*.jsonl")):
            store.load(path.stem, _read_lines(path))
    add_platform(instance, absent=PLUGIN_TABLES - world.tables.keys() if world is not None else ())
    if demo_records:
        add_demo_records(instance)
    instance.acl.unrestricted.add("admin")
    instance.acl.readers.add(COLLECTOR)
    store.settle()
    return instance


def _accounts(instance: Instance, accounts: dict[str, str]) -> None:
    secret = accounts.pop("client_secret")
    instance.clients[accounts.pop("client_id")] = secret
    instance.entra_secret = hashlib.sha256(f"entra {secret}".encode()).hexdigest()[:32]
    instance.passwords |= {name.lower(): password for name, password in accounts.items()}


def _read_lines(path: Path) -> pl.DataFrame:
    """Rows as the Table API shows them: text, or reference objects of which the value counts."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            row = json.loads(line)
            rows.append({"sys_id": new_id(), **{k: _stored(v) for k, v in row.items()}})
    return (
        pl.DataFrame(rows, infer_schema_length=None)
        if rows
        else pl.DataFrame({"sys_id": []}, schema={"sys_id": pl.String})
    )


def _stored(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def run_foreground(
    *, port: int, tls: bool, seed: int, users: int, days: int, end: date | None, now: str | None, tables_dir: Path | None, info: Path | None,
    as_json: bool = False, quiet: bool = False,
) -> None:  # fmt: skip
    """What `nowguard emulate` does: serve until a signal ends it. `end` is the last day of history."""
    last = end or (datetime.now().date() - timedelta(days=1))  # noqa: DTZ005  # a default for people
    began = time.monotonic()

    def progress(text: str) -> None:
        if not quiet:
            print(f"[{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)  # noqa: T201  # for who waits

    progress(f"reading {tables_dir}" if tables_dir else f"making an organisation of {users:,} users over {days} days")
    world = None if tables_dir else generate(seed=seed, users=users, days=days, end=last + timedelta(days=1))
    at = datetime.fromisoformat(now).replace(tzinfo=None) if now else None
    if world is not None:
        progress(f"loading {sum(map(len, world.tables.values())):,} rows")
    with start(world, tables_dir=tables_dir, port=port, tls=tls, now=at) as running:
        found = running.info()
        progress("ready")
        if info is not None:
            info.parent.mkdir(parents=True, exist_ok=True)
            temporary = info.with_suffix(".tmp")
            temporary.write_text(json.dumps(found, indent=2), encoding="utf-8")
            temporary.chmod(0o600)
            temporary.replace(info)
        if as_json:
            print(json.dumps(found), flush=True)  # noqa: T201  # the command's answer
        elif not quiet:
            _introduce(found)
        ended = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: ended.set())
        ended.wait()


def _introduce(found: dict[str, Any]) -> None:
    lines = [
        f"ServiceNow-shaped instance at {found['url']} (virtual time {found['now']} UTC); Ctrl-C ends it",
        f"  collector  {found['username']} / {found['password']}",
        f"  admin      {found['admin_username']} / {found['admin_password']}",
        f"  OAuth      client {found['client_id']} / {found['client_secret']}",
        f"  Entra ID   {found['entra_authority']}, Graph {found['graph_url']}, tenant {found['entra_tenant_id']}",
        f"             client {found['entra_client_id']} / {found['entra_client_secret']}",
        f'  control    POST {found["control_url"]}/now  {{"now": "YYYY-MM-DD HH:MM:SS"}}',
    ]
    if found["ca_bundle"]:
        lines.append(f"  CA         {found['ca_bundle']}")
    print("\n".join(lines), flush=True)  # noqa: T201  # the command's answer
