"""The tenant's users as they stand now: scripted changes, applied as the virtual clock passes them.

A deleted user keeps its object for thirty days among the deleted items, under a principal name that begins with the
object's id, as Entra ID renames it; giving it a value again restores it. Every change is numbered: a delta token is such a
number.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pipelines.emulator.clock import Clock
from pipelines.emulator.organisation.world import Change

KEPT = timedelta(days=30)  # how long a deleted user can be restored
PROPERTIES = (
    "id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname", "employeeId", "accountEnabled", "userType",
    "jobTitle", "department", "createdDateTime", "deletedDateTime", "employeeLeaveDateTime", "signInSessionsValidFromDateTime",
    "onPremisesSyncEnabled", "onPremisesSamAccountName", "onPremisesLastSyncDateTime", "onPremisesImmutableId",
)  # fmt: skip
Properties = dict[str, Any]


def object_id(sys_id: str) -> str:
    """The GUID that the tenant knows a person by: nothing of the instance's key can be read from it."""
    return str(uuid.UUID(hashlib.sha256(f"entra:{sys_id}".encode()).hexdigest()[:32]))


class Directory:
    """Users and deleted users. Threads share it."""

    def __init__(self, clock: Clock, changes: Iterable[Change] = ()) -> None:
        self.clock = clock
        self.users: dict[str, Properties] = {}
        self.deleted: dict[str, Properties] = {}
        self.log: list[str] = []  # ids, one per change applied: a delta token is a length of this list
        self._changes = sorted(changes, key=lambda change: change.at)
        self._next = 0
        self._lock = threading.RLock()

    def script(self, changes: Iterable[Change]) -> None:
        """More changes to come. `values`: properties as text, None deletes; `sys_id`: any stable key of the person."""
        with self._lock:
            self._changes = self._changes[: self._next] + sorted(
                [*self._changes[self._next :], *changes], key=lambda change: change.at
            )

    def settle(self) -> None:
        """Apply what is due, and purge what was deleted too long ago."""
        now = self.clock.now()
        with self._lock:
            while self._next < len(self._changes) and self._changes[self._next].at <= now:
                change = self._changes[self._next]
                self._purge(change.at)
                self._apply(change)
                self._next += 1
            self._purge(now)

    def _apply(self, change: Change) -> None:
        uid = object_id(change.sys_id)
        if change.values is None:
            self._delete(uid, change.at)
            return
        found = self.users.get(uid) or _restored(self.deleted.pop(uid, None)) or _new(uid, change)
        found.update({name: _typed(name, value) for name, value in change.values.items()})
        self.users[uid] = found
        self.log.append(uid)

    def _delete(self, uid: str, at: datetime) -> None:
        found = self.users.pop(uid, None)
        if found is None:
            return
        renamed = uid.replace("-", "") + str(found.get("userPrincipalName") or "")
        self.deleted[uid] = {**found, "userPrincipalName": renamed, "deletedDateTime": zulu(at)}
        self.log.append(uid)

    def _purge(self, now: datetime) -> None:
        oldest = zulu(now - KEPT)
        for uid in [uid for uid, row in self.deleted.items() if row["deletedDateTime"] < oldest]:
            del self.deleted[uid]
            self.log.append(uid)

    def listed(self, deleted: bool = False) -> list[Properties]:
        """All objects in the order of their ids: what a page is cut from."""
        with self._lock:
            return [dict(row) for _, row in sorted((self.deleted if deleted else self.users).items())]

    def position(self) -> int:
        with self._lock:
            return len(self.log)

    def since(self, position: int, until: int) -> list[Properties]:
        """Objects changed in between, each once, as they are now; a deleted one as its id and `@removed`."""
        with self._lock:
            ids = list(dict.fromkeys(self.log[position:until]))
            return [self.users.get(uid) or self._removed(uid) for uid in ids]

    def _removed(self, uid: str) -> Properties:
        return {"id": uid, "@removed": {"reason": "changed" if uid in self.deleted else "deleted"}}


def _new(uid: str, change: Change) -> Properties:
    begun = zulu(change.at)
    made: Properties = dict.fromkeys(PROPERTIES)
    sam = str((change.values or {}).get("userPrincipalName", "")).partition("@")[0]
    return made | {
        "id": uid, "accountEnabled": True, "userType": "Member", "createdDateTime": begun, "signInSessionsValidFromDateTime": begun,
        "mailNickname": sam, "onPremisesSamAccountName": sam, "onPremisesSyncEnabled": True, "onPremisesLastSyncDateTime": begun,
    }  # fmt: skip


def _restored(row: Properties | None) -> Properties | None:
    if row is None:
        return None
    principal = str(row["userPrincipalName"]).removeprefix(str(row["id"]).replace("-", ""))
    return {**row, "userPrincipalName": principal, "deletedDateTime": None}


def _typed(name: str, value: str) -> Any:
    if name in ("accountEnabled", "onPremisesSyncEnabled"):
        return value == "true"
    return value or None


def zulu(at: datetime) -> str:
    """An instant as Graph writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
