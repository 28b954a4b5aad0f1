"""From a request to its answer: routes, authentication, limits, faults, and the rows that being called leaves behind."""

from __future__ import annotations

import base64
import logging
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from pipelines.emulator import aggregate_api, attachment_api, table_api
from pipelines.emulator.accounts import Accounts
from pipelines.emulator.faults import Fault, instead, spoil
from pipelines.emulator.instance import Instance
from pipelines.emulator.messages import Answer, Call, Refused, failure, html, no_route, unauthenticated

log = logging.getLogger("emulator")

_API = re.compile(r"^/api/now(?:/(v1|v2))?/(table|stats|attachment|batch)(?:/(.*))?$")
LARGEST_BATCH_SECONDS = 30.0
Route = Callable[[Call, list[str]], Answer]


def _unfit(call: Call, api: str) -> Answer | None:
    """406 and 415: the Table API speaks JSON and XML, of which the emulator knows JSON."""
    if api == "attachment":
        return None
    accepted = call.headers.get("accept", "*/*")
    if not any(kind in accepted for kind in ("json", "*/*", "application/*")):
        return failure(406, "Not Acceptable", f"Accept {accepted} is not supported")
    kind = call.headers.get("content-type", "")
    if call.method in ("POST", "PUT", "PATCH") and kind and "json" not in kind:
        return failure(415, "Unsupported Media Type", f"Content-Type {kind} is not supported")
    return None


class Dispatcher:
    """One per server. `answer` is called from worker threads."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.accounts = Accounts(instance)
        self.log: list[dict[str, Any]] = []

    def answer(self, call: Call, form: dict[str, Any] | None = None) -> tuple[Answer, Fault | None]:
        """The answer, and the fault that the transport has to carry out (reset, drip), if any."""
        started = time.monotonic()
        self.instance.store.settle()
        call.number = len(self.log) + 1
        fault = self.instance.faults.striking(call)
        answer = self._answer(call, fault, form)
        self.log.append({
            "number": call.number, "method": call.method, "path": call.path, "query": dict(call.query), "status": answer.status,
            "fault": fault.kind if fault else "", "user": call.user.get("user_name", ""), "cookie": bool(call.headers.get("cookie")),
            "at": self.instance.clock.wire(),
        })  # fmt: skip
        self._log_transaction(call, answer, time.monotonic() - started)
        return answer, fault if fault and fault.kind in ("reset", "drip") else None

    def _answer(self, call: Call, fault: Fault | None, form: dict[str, Any] | None) -> Answer:
        if len(call.target) > self.instance.settings.max_url:
            return html(
                414, "Request-URI Too Long", "The requested URL's length exceeds the capacity limit for this server."
            )
        if fault is not None:
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            replaced = instead(fault, self.instance.clock.now())
            if replaced is not None:
                return replaced
        try:
            answer = self._routed(call, form)
        except Refused as refusal:
            answer = refusal.answer
        except Exception:  # a fault of the emulator is an HTTP 500, as it would be there
            log.exception("the emulator failed on %s %s", call.method, call.path)
            answer = failure(500, "Internal error", "see the emulator's log")
        return spoil(fault, answer) if fault is not None else answer

    def _routed(self, call: Call, form: dict[str, Any] | None) -> Answer:
        if call.path == "/oauth_token.do":
            return self.accounts.token(call) if call.method == "POST" else no_route()
        if call.path == "/oauth_revoke_token.do":
            return self.accounts.revoke(call)
        found = _API.match(call.path)
        if not self.accounts.authenticate(call):
            return unauthenticated()
        if found is None:
            return no_route()
        if unfit := _unfit(call, found[2]):
            return unfit
        if self.instance.settings.latency_seconds:
            time.sleep(self.instance.settings.latency_seconds)
        with self.instance.limits.held(call, call.headers.get("cookie", "")):
            return self._called(call, found[2], [p for p in (found[3] or "").split("/") if p], form)

    def _called(self, call: Call, api: str, parts: list[str], form: dict[str, Any] | None) -> Answer:
        if api == "batch":
            return self._batch(call) if call.method == "POST" else failure(405, "Method not supported")
        if api == "stats":
            return (
                aggregate_api.stats(self.instance, call, parts[0])
                if len(parts) == 1 and call.method == "GET"
                else no_route()
            )
        if api == "attachment":
            return self._attachment(call, parts, form)
        return self._table(call, parts)

    def _table(self, call: Call, parts: list[str]) -> Answer:
        if len(parts) > 2:
            return no_route()
        handlers: dict[tuple[int, str], Callable[..., Answer]] = {
            (1, "GET"): table_api.list_rows, (1, "POST"): table_api.insert, (2, "GET"): table_api.get_row,
            (2, "PUT"): table_api.update, (2, "PATCH"): table_api.update, (2, "DELETE"): table_api.delete,
        }  # fmt: skip
        handler = handlers.get((len(parts), call.method))
        if handler is None:
            return failure(405, "Method not supported")
        answer = self._within_quota(handler(self.instance, call, *parts))
        if call.method == "DELETE" and answer.status == 204:
            attachment_api.delete_all_of(self.instance, call, *parts)
        return answer

    def _within_quota(self, answer: Answer) -> Answer:
        """Take the time that the page is said to take; what exceeds the quota is cancelled while it streams."""
        settings = self.instance.settings
        if not settings.page_seconds_per_1000_rows or answer.status != 200:
            return answer
        found = orjson.loads(answer.body)["result"]
        seconds = settings.page_seconds_per_1000_rows * (len(found) if isinstance(found, list) else 1) / 1000
        time.sleep(min(seconds, settings.quota_seconds))
        return spoil(Fault("error_streamed"), answer) if seconds > settings.quota_seconds else answer

    def _attachment(self, call: Call, parts: list[str], form: dict[str, Any] | None) -> Answer:
        instance, method = self.instance, call.method
        if not parts:
            return attachment_api.list_attachments(instance, call) if method == "GET" else no_route()
        if method == "POST":
            if parts == ["file"]:
                return attachment_api.upload(instance, call)
            return attachment_api.upload_form(instance, call, form or {}) if parts == ["upload"] else no_route()
        if method == "DELETE":
            return attachment_api.delete(instance, call, parts[0])
        if len(parts) == 2 and parts[1] == "file":
            return attachment_api.content(instance, call, parts[0])
        return attachment_api.metadata(instance, call, parts[0]) if len(parts) == 1 else no_route()

    def _batch(self, call: Call) -> Answer:
        """Each inner request in turn, as the same user; what 30 seconds do not reach is left unserviced."""
        try:
            asked = call.json()
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return failure(400, "Exception while reading request", "The payload is not valid JSON.")
        started, served, left = time.monotonic(), [], []
        for inner in asked.get("rest_requests", []):
            if time.monotonic() - started > LARGEST_BATCH_SECONDS:
                left.append(str(inner.get("id", "")))
                continue
            served.append(self._inner(call, inner))
        body = {
            "batch_request_id": str(asked.get("batch_request_id", "")),
            "serviced_requests": served,
            "unserviced_requests": left,
        }
        return Answer(200, orjson.dumps(body))

    def _inner(self, call: Call, inner: dict[str, Any]) -> dict[str, Any]:
        parts = urlsplit(str(inner.get("url", "")))
        headers = {str(h["name"]).lower(): str(h.get("value", "")) for h in inner.get("headers") or [] if "name" in h}
        made = Call(
            str(inner.get("method", "GET")).upper(), parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
            {**call.headers, **headers}, base64.b64decode(inner.get("body") or ""), call.base_url, call.client_ip, user=call.user, session=call.session,
        )  # fmt: skip
        started = time.monotonic()
        found = _API.match(parts.path)
        try:
            answer = (
                self._called(made, found[2], [p for p in (found[3] or "").split("/") if p], None)
                if found
                else no_route()
            )
        except Refused as refusal:
            answer = refusal.answer
        reply: dict[str, Any] = {
            "id": str(inner.get("id", "")), "body": base64.b64encode(answer.body).decode(), "status_code": answer.status,
            "status_text": "OK" if answer.status < 300 else "Error", "execution_time": int((time.monotonic() - started) * 1000),
        }  # fmt: skip
        if not inner.get("exclude_response_headers"):
            reply["headers"] = [
                {"name": k, "value": v} for k, v in {"Content-Type": answer.content_type, **answer.headers}.items()
            ]
        return reply

    def _log_transaction(self, call: Call, answer: Answer, seconds: float) -> None:
        settings = self.instance.settings
        if not settings.logs_itself or not call.user:
            return
        row = {
            "url": call.target[:1000], "type": "batch rest" if call.path.endswith("/batch") else "rest", "remote_ip": call.client_ip, "user_agent": call.headers.get("user-agent", ""),
            "session": call.session, "response_time": str(int(seconds * 1000)), "output_length": str(len(answer.body)), "sql_count": "3",
        }  # fmt: skip
        if self.instance.is_at_least("australia"):
            row["status"] = str(answer.status)
        self.instance.writer.log("syslog_transaction", row, call.user["user_name"])
