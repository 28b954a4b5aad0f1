"""A request and its answer inside the emulator, and the bodies of every error of servicenow-api.md 2.4."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json;charset=UTF-8"
HTML = "text/html;charset=UTF-8"


@dataclass
class Call:
    """One request as the handlers see it. `query` holds the first value of each parameter."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # lower-case names
    body: bytes = b""
    base_url: str = ""
    client_ip: str = "127.0.0.1"
    number: int = 0
    user: dict[str, str] = field(default_factory=dict)  # the sys_user row, once authenticated
    session: str = ""
    target: str = ""  # path with its query, as the log shows it

    def json(self) -> Any:
        return orjson.loads(self.body) if self.body.strip() else {}

    @property
    def table(self) -> str:
        """The table that the path names, '' where it names none."""
        parts = self.path.split("/")
        for marker in ("table", "stats"):
            if marker in parts[:-1]:
                return parts[parts.index(marker) + 1]
        return "sys_attachment" if "attachment" in parts else ""


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    cookies: tuple[str, ...] = ()


class Refused(Exception):
    """A handler's way out with an error body."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def result(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, orjson.dumps({"result": value}), headers or {})


def failure(status: int, message: str, detail: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status, orjson.dumps({"error": {"message": message, "detail": detail}, "status": "failure"}), headers or {}
    )


def refused(status: int, message: str, detail: str | None = None) -> Refused:
    return Refused(failure(status, message, detail))


def html(status: int, title: str, text: str) -> Answer:
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Answer(status, page.encode(), content_type=HTML)


def unauthenticated() -> Answer:
    return failure(
        401,
        "User Not Authenticated",
        "Required to provide Auth information",
        {"WWW-Authenticate": 'BASIC realm="Service-now"'},
    )


def no_route() -> Answer:
    return failure(400, "Requested URI does not represent any resource")


def invalid_table(name: str) -> Answer:
    return failure(400, f"Invalid table {name}")


def no_record() -> Answer:
    return failure(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def api_acl() -> Answer:
    return failure(403, "User Not Authorized", "Failed API level ACL Validation")


def write_refused(operation: str) -> Answer:
    return failure(403, "Operation Failed", f"ACL Exception {operation} Failed due to security constraints")


def new_id() -> str:
    return uuid.uuid4().hex
