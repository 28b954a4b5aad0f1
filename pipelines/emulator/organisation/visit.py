"""A session being played: what is done in it carries its address, device and session id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pipelines.emulator.organisation.records import TABLES

if TYPE_CHECKING:
    from pipelines.emulator.organisation.act import Act


@dataclass(frozen=True)
class Visit:
    """A session being played: what is done in it carries its address, device and session id."""

    act: Act
    user: str
    user_id: str
    sid: str
    address: str
    agent: str

    def request(self, time: int, url: str, kind: str = "other", length: int = 20_000, status: str = "200") -> None:
        self.act.write(
            "syslog_transaction", time, user_name=self.user, url=url, kind=kind, address=self.address, agent=self.agent,
            session=self.sid, length=int(length), status=status,
        )  # fmt: skip

    def event(
        self, time: int, name: str, parm1: str = "", parm2: str = "", *, table: str = "", instance: str = ""
    ) -> None:
        self.act.write(
            "sysevent", time, name=name, parm1=parm1, parm2=parm2, table=table, instance=instance, user_id=self.user_id,
            user_name=self.user, uri="",
        )  # fmt: skip

    def browse(self, begin: int, minutes: float, pages: int) -> None:
        for time in np.sort(self.act.rng.integers(begin + 2, begin + max(3, int(minutes * 60)), pages)):
            record = self.act.company.records.sys_id[int(self.act.company.records.draw(self.act.rng, "incident", 1)[0])]
            self.request(int(time), f"/incident.do?sys_id={record}", "form", int(self.act.rng.lognormal(10.4, 0.4)))

    def read(self, times: Iterable[int], files: Iterable[int], way: Literal["ui", "api"] = "ui") -> None:
        """Fetches attachments; through the UI that raises `attachment.read`, through the API only a transaction."""
        store, parents = self.act.company.files, self.act.company.records.table
        for time, file in zip(times, files, strict=True):
            sys_id, size = store.sys_id[int(file)], int(store.size[file])
            if way == "api":
                self.request(time, f"/api/now/attachment/{sys_id}/file", "rest", size)
                continue
            self.request(time, f"/sys_attachment.do?sys_id={sys_id}", "other", size)
            parent = TABLES[int(parents[store.record[file]])]
            self.event(time, "attachment.read", store.name[file], parent, table="sys_attachment", instance=sys_id)

    def export(self, time: int, table: str, form: str, length: int) -> None:
        self.request(
            time,
            f"/{table}_list.do?{form}&sysparm_query=active=true&sysparm_default_export_fields=all",
            "export",
            length,
        )

    def upload(self, time: int, extension: str, size: int, name: str = "", record: int | None = None) -> str:
        sys_id = self.act.attach(self.user, time, extension, size, name=name, record=record)
        self.request(time, "/sys_attachment.do?sysparm_target=upload", "form", 900)
        self.event(time, "attachment.uploaded", name, "incident", table="sys_attachment", instance=sys_id)
        return sys_id

    def delete(self, time: int, attachment: str) -> None:
        self.event(time, "attachment.deleted", "sys_attachment", attachment, instance=attachment)
        self.act.change(time, "sys_attachment", attachment, None)

    def audit(self, time: int, table: str, field_name: str, key: str, *, old: str, new: str) -> None:
        self.act.write(
            "sys_audit", time, sys_created_by=self.user, tablename=table, fieldname=field_name, documentkey=key, oldvalue=old,
            newvalue=new, user=self.user, reason="",
        )  # fmt: skip
