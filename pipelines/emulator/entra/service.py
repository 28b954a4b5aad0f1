"""Routes: the token endpoint below `/entra`, Graph below `/v1.0`; on the same port as the instance, apart from it in all else."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from pipelines.emulator.clock import Clock
from pipelines.emulator.entra import answers
from pipelines.emulator.entra.directory import PROPERTIES, Directory, Properties
from pipelines.emulator.entra.tokens import Tokens
from pipelines.emulator.faults import Fault, Faults, spoil
from pipelines.emulator.messages import Answer, Call
from pipelines.emulator.organisation.world import Change

AUTHORITY, GRAPH = "/entra", "/v1.0"
TENANT = "6f1d8a52-0c77-4b1e-9a51-2f1d0c7e4b1e"
CLIENT = "b7c0f3de-55aa-4e0e-8f3c-91d2a7c4e6f0"
USER_READ, LEAVE_READ = "User.Read.All", "User-LifeCycleInfo.Read.All"
READS_USERS = frozenset({USER_READ, "User.ReadWrite.All", "Directory.Read.All"})
DEFAULT = ("id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "jobTitle")
PAGE, LARGEST_PAGE, DELTA_PAGE = 100, 999, 200
_TOKEN = re.compile(rf"^{AUTHORITY}/([^/]+)/oauth2/v2\.0/token$")
_FILTER = re.compile(r"^(accountEnabled|userPrincipalName|id|mail) eq (true|false|'(?:[^']|'')*')$")


class Entra:
    """One tenant. `answer` is called from worker threads."""

    def __init__(self, clock: Clock, faults: Faults, secret: str, changes: Iterable[Change] = ()) -> None:
        self.clock = clock
        self.faults = faults
        self.directory = Directory(clock, changes)
        self.tokens = Tokens(clock, TENANT, CLIENT, secret, {USER_READ})
        self.log: list[dict[str, Any]] = []
        self._since = "since1"  # marks delta tokens; another mark, and those given before are no longer known

    def serves(self, path: str) -> bool:
        return path.startswith((f"{AUTHORITY}/", f"{GRAPH}/"))

    def info(self, base_url: str) -> dict[str, str]:
        """The settings that reach it, as the `--info` file has them."""
        return {
            "entra_authority": f"{base_url}{AUTHORITY}", "graph_url": f"{base_url}{GRAPH}", "entra_tenant_id": TENANT,
            "entra_client_id": CLIENT, "entra_client_secret": self.tokens.client_secret,
        }  # fmt: skip

    def expire_delta(self) -> None:
        """Delta tokens given so far are no longer known: a client has to start anew."""
        self._since = f"since{int(self._since.removeprefix('since')) + 1}"

    def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """The answer, and the fault that the transport has to carry out (reset, drip), if any."""
        self.directory.settle()
        fault = self.faults.striking(call)
        answer = self._answer(call, fault)
        self.log.append(
            {"method": call.method, "path": call.path, "query": dict(call.query), "status": answer.status,
             "fault": fault.kind if fault else ""}
        )  # fmt: skip
        return answer, fault if fault and fault.kind in ("reset", "drip") else None

    def _answer(self, call: Call, fault: Fault | None) -> Answer:
        if fault is not None:
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            replaced = answers.instead(fault, self.clock.now())
            if replaced is not None:
                return replaced
        answer = self._routed(call)
        return spoil(fault, answer) if fault is not None and fault.kind in ("truncated", "pretty") else answer

    def _routed(self, call: Call) -> Answer:
        now = self.clock.now()
        if found := _TOKEN.match(call.path):
            return self.tokens.answer(call, found[1]) if call.method == "POST" else _not_found(self.clock)
        if not self.tokens.accepts(call):
            return answers.unauthenticated(now)
        if not self.tokens.roles & READS_USERS or call.method != "GET":
            return answers.denied(now)  # the read side only: no write permission is ever granted
        return self._read(call, call.path.removeprefix(GRAPH).rstrip("/"))

    def _read(self, call: Call, path: str) -> Answer:
        if path == "/users":
            return self._page(call, self.directory.listed())
        if path in ("/users/delta", "/users/microsoft.graph.delta", "/users/delta()"):
            return self._delta(call)
        if path.lower() == "/directory/deleteditems/microsoft.graph.user":
            return self._page(call, self.directory.listed(deleted=True))
        if path.startswith("/users/") and path.count("/") == 2:
            return self._one(call, path.rpartition("/")[2])
        return _not_found(self.clock)

    def _one(self, call: Call, key: str) -> Answer:
        for row in self.directory.listed():
            if key.lower() in (row["id"], str(row["userPrincipalName"]).lower()):
                return answers.ok(self._shown(row, _selected(call)))
        return _not_found(self.clock)

    def _page(self, call: Call, rows: list[Properties]) -> Answer:
        """Rows in the order of their ids, from the one after `$skiptoken`; a page may be shorter than asked for."""
        top = call.query.get("$top", str(PAGE))
        wanted = call.query.get("$filter", "")
        if not top.isdigit() or not 1 <= int(top) <= LARGEST_PAGE:
            return self._bad(
                f"Invalid page size specified: '{top[:20]}'. Must be between 1 and {LARGEST_PAGE} inclusive."
            )
        if wanted and not _FILTER.match(wanted):
            return self._bad("Unsupported or invalid query filter clause specified.", "Request_UnsupportedQuery")
        after = _opened(call.query.get("$skiptoken", ""))
        left = [row for row in rows if row["id"] > after and _meets(row, wanted)]
        page = left[: int(top)]
        body: dict[str, Any] = {"@odata.context": f"{call.base_url}{GRAPH}/$metadata#users"}
        if len(left) > len(page):
            query = {**call.query, "$skiptoken": _sealed(page[-1]["id"])}
            body["@odata.nextLink"] = f"{call.base_url}{call.path}?{urlencode(query)}"
        return answers.ok({**body, "value": [self._shown(row, _selected(call)) for row in page]})

    def _delta(self, call: Call) -> Answer:
        """Without a token all users, a page at a time; then only what changed since. The link carries the position."""
        here, selected = self.directory.position(), call.query.get("$select", "")
        if call.query.get("$deltatoken") == "latest":
            return self._ended(call, [], here, selected)
        given = call.query.get("$deltatoken", "") or call.query.get("$skiptoken", "")
        state = _opened(given) or "unknown" if given else f"all||{here}|{selected}"
        kind, start, until, selected = _parted(state)
        if kind not in ("all", self._since):
            return answers.resync(self.clock.now())
        if kind == "all":
            rows = [row for row in self.directory.listed() if row["id"] > start]
            begin = 0
        else:
            first, _, offset = start.partition("+")
            until = until or str(here)
            rows, begin = self.directory.since(int(first), int(until)), int(offset or 0)
        page = rows[begin : begin + DELTA_PAGE]
        if len(rows) <= begin + DELTA_PAGE:
            return self._ended(call, page, int(until), selected)
        further = f"all|{page[-1]['id']}" if kind == "all" else f"{kind}|{start.partition('+')[0]}+{begin + DELTA_PAGE}"
        link = self._link(call, "$skiptoken", f"{further}|{until}|{selected}")
        return answers.ok({"@odata.nextLink": link, "value": [self._changed(row, selected) for row in page]})

    def _ended(self, call: Call, page: list[Properties], position: int, selected: str) -> Answer:
        link = self._link(call, "$deltatoken", f"{self._since}|{position}||{selected}")
        return answers.ok({"@odata.deltaLink": link, "value": [self._changed(row, selected) for row in page]})

    def _link(self, call: Call, name: str, state: str) -> str:
        return f"{call.base_url}{GRAPH}/users/delta?{urlencode({name: _sealed(state)})}"

    def _changed(self, row: Properties, selected: str) -> Mapping[str, Any]:
        """As selected at the start; a property that never had a value is left out, as Graph does."""
        if "@removed" in row:
            return row
        return {name: value for name, value in self._shown(row, _names(selected)).items() if value is not None}

    def _shown(self, row: Properties, names: tuple[str, ...]) -> dict[str, Any]:
        """The leave date is there and empty for an application that may not read it: no error tells."""
        hidden = set() if LEAVE_READ in self.tokens.roles else {"employeeLeaveDateTime"}
        return {
            name: None if name in hidden else row.get(name)
            for name in dict.fromkeys(("id", *names))
            if name in PROPERTIES
        }

    def _bad(self, message: str, code: str = "Request_BadRequest") -> Answer:
        return answers.refused(400, code, message, self.clock.now())


def _not_found(clock: Clock) -> Answer:
    return answers.refused(404, "Request_ResourceNotFound", "Resource not found for the segment.", clock.now())


def _selected(call: Call) -> tuple[str, ...]:
    return _names(call.query.get("$select", ""))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) or DEFAULT


def _meets(row: Properties, wanted: str) -> bool:
    if not wanted:
        return True
    name, _, value = wanted.partition(" eq ")
    if value in ("true", "false"):
        return bool(row.get(name) is (value == "true"))
    return str(row.get(name) or "").lower() == value[1:-1].replace("''", "'").lower()


def _parted(state: str) -> tuple[str, str, str, str]:
    """Kind, start, end and selection out of a link; what is no link of ours is of no kind."""
    parts = state.split("|", 3)
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 4 else ("", "", "", "")


def _sealed(state: str) -> str:
    return base64.urlsafe_b64encode(state.encode()).decode()


def _opened(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        return ""
