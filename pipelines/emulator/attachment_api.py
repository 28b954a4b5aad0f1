"""The Attachment API: metadata, content, upload, delete, and the events that each of them writes."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from pipelines.emulator.instance import Instance
from pipelines.emulator.messages import Answer, Call, Refused, failure, invalid_table, no_record, result, write_refused
from pipelines.emulator.table_api import list_rows, one

TABLE = "sys_attachment"
DEFAULT_LIMIT = 1000


def list_attachments(instance: Instance, call: Call) -> Answer:
    """Plain strings, never display values, and a download link beside the columns."""
    _plain(call)
    answer = list_rows(instance, call, TABLE, default_limit=DEFAULT_LIMIT)
    if answer.status == 200:
        rows = [_linked(call, row) for row in orjson.loads(answer.body)["result"]]
        answer.body = orjson.dumps({"result": rows})
    return answer


def metadata(instance: Instance, call: Call, sys_id: str) -> Answer:
    _plain(call)
    row = _row(instance, call, sys_id)
    return no_record() if row is None else result(_linked(call, row))


def content(instance: Instance, call: Call, sys_id: str) -> Answer:
    _plain(call)
    row = _row(instance, call, sys_id)
    if row is None:
        return no_record()
    if instance.settings.rest_download_event:
        instance.writer.event(
            "attachment.read", call.user, parm1=row["file_name"], parm2=row["table_name"], table=TABLE, instance=sys_id
        )
    headers = {
        "X-Attachment-Metadata": orjson.dumps(_linked(call, row)).decode("ascii", "ignore"),
        "Content-Disposition": "attachment",
    }
    return Answer(200, instance.content(sys_id), headers, row.get("content_type") or "application/octet-stream")


def upload(instance: Instance, call: Call) -> Answer:
    """`POST /file`: the body is the content."""
    table, record, name = (call.query.get(k, "") for k in ("table_name", "table_sys_id", "file_name"))
    return _store(
        instance, call, table, record, name, call.headers.get("content-type", "application/octet-stream"), call.body
    )


def upload_form(instance: Instance, call: Call, parts: dict[str, Any]) -> Answer:
    """`POST /upload`: a form whose last part is the file; `parts` holds texts and (name, type, bytes) of the file."""
    file = next((part for part in parts.values() if isinstance(part, tuple)), None)
    if file is None:
        return failure(400, "Missing file", "The multipart form holds no file")
    name, kind, body = file
    return _store(
        instance, call, str(parts.get("table_name", "")), str(parts.get("table_sys_id", "")), name, kind, body
    )


def delete(instance: Instance, call: Call, sys_id: str) -> Answer:
    if not instance.acl.may_write(call.user["user_name"]):
        return write_refused("Delete")
    row = instance.store.record(TABLE, sys_id)
    if row is None:
        return no_record()
    _remove(instance, call, sys_id, row["table_sys_id"])
    return Answer(204)


def delete_all_of(instance: Instance, call: Call, table: str, record: str) -> None:
    """The files of a deleted record go with it, one event each."""
    found = instance.store.rows(
        f'SELECT sys_id FROM "{TABLE}" WHERE table_name = ? AND table_sys_id = ?', [table, record]
    )
    for (sys_id,) in found:
        _remove(instance, call, sys_id, record)


def _remove(instance: Instance, call: Call, sys_id: str, record: str) -> None:
    instance.store.delete(TABLE, sys_id)
    instance.uploaded.pop(sys_id, None)
    instance.writer.event("attachment.deleted", call.user, parm1=TABLE, parm2=sys_id, instance=record)


def _store(instance: Instance, call: Call, table: str, record: str, name: str, kind: str, body: bytes) -> Answer:
    if not instance.acl.may_write(call.user["user_name"]):
        return write_refused("Insert")
    if not (table and record and name):
        return failure(400, "Missing parameter", "table_name, table_sys_id and file_name are required")
    if table not in instance.store.schemas:
        raise Refused(invalid_table(table))
    given = {
        "file_name": name, "content_type": kind, "size_bytes": str(len(body)), "size_compressed": str(len(body)), "compressed": "true",
        "table_name": table, "table_sys_id": record, "hash": hashlib.sha256(body).hexdigest(), "state": "available", "chunk_size_bytes": "700000",
    }  # fmt: skip
    row = instance.writer.insert(TABLE, given, call.user)
    instance.uploaded[row["sys_id"]] = body
    instance.writer.event(
        "attachment.uploaded", call.user, parm1=name, parm2=table, table=TABLE, instance=row["sys_id"]
    )
    shown = one(instance, call, TABLE, row["sys_id"]) or dict(row)
    version = "v1/" if "/v1/" in call.path else ""
    location = f"{call.base_url}/api/now/{version}attachment/{row['sys_id']}/file"
    return result(_linked(call, shown), 201, {"Location": location})


def _row(instance: Instance, call: Call, sys_id: str) -> dict[str, Any] | None:
    if instance.acl.refusal(call.user["user_name"], TABLE):
        return None
    return one(instance, call, TABLE, sys_id)


def _linked(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    return (
        {**row, "download_link": f"{call.base_url}/api/now/attachment/{row['sys_id']}/file"} if "sys_id" in row else row
    )


def _plain(call: Call) -> None:
    call.query = {
        k: v for k, v in call.query.items() if k not in ("sysparm_display_value", "sysparm_exclude_reference_link")
    }
