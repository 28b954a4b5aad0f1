"""What a write does besides the write: system columns, numbers, audit rows, business rules that abort."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from pipelines.emulator.clock import Clock
from pipelines.emulator.encoded_query import parse
from pipelines.emulator.messages import Refused, failure, new_id
from pipelines.emulator.query_sql import Compiler
from pipelines.emulator.store import Store

Row = Mapping[str, str]
SYSTEM = "system"


class Writer:
    """Inserts, updates and deletes as the platform does them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._numbers: dict[str, int] = {}

    def insert(self, table: str, given: Row, user: Row) -> dict[str, str]:
        schema, now = self.store.schemas[table], self.clock.wire()
        name = user.get("user_name", SYSTEM)
        made = {
            "sys_id": given.get("sys_id") or new_id(), "sys_created_on": now, "sys_created_by": name, "sys_updated_on": now,
            "sys_updated_by": name, "sys_mod_count": "0", "sys_class_name": table,
        }  # fmt: skip
        if schema.prefix:
            made |= {
                "number": self._number(table, schema.prefix),
                "opened_at": now,
                "opened_by": user.get("sys_id", ""),
                "active": "true",
            }
            made["state"] = next(iter(schema.choices.get("state", {"": ""})))
        row = {**{k: v for k, v in made.items() if k in schema.columns}, **self._hashed(table, given)}
        self.store.insert(table, row)
        return row

    def update(self, table: str, sys_id: str, given: Row, user: Row) -> None:
        before, given = self.store.record(table, sys_id) or {}, self._hashed(table, given)
        name = user.get("user_name", SYSTEM)
        changed = {k: v for k, v in given.items() if before.get(k) != v}
        stamp = {
            "sys_updated_on": self.clock.wire(),
            "sys_updated_by": name,
            "sys_mod_count": str(int(before.get("sys_mod_count") or 0) + 1),
        }
        with self.store.trial():
            self.store.update(table, sys_id, {**changed, **(stamp if changed else {})})
            self._abort_if_ruled(table, sys_id)
        if self.store.schemas[table].is_audited:
            for field, value in changed.items():
                self._audit(table, sys_id, field, before.get(field, ""), value, name)

    def delete(self, table: str, sys_id: str, user: Row) -> None:
        self.store.delete(table, sys_id)
        name = user.get("user_name", SYSTEM)
        if self.store.schemas[table].is_audited:
            self._audit(table, sys_id, "DELETED", "DELETED", "DELETED", name)
            if not table.startswith("sys_"):
                self.log("sys_audit_delete", {"tablename": table, "documentkey": sys_id, "display_value": sys_id}, name)

    def log(self, table: str, row: Mapping[str, Any], created_by: str) -> str:
        """A row that the platform writes itself, created now."""
        if table not in self.store.schemas:
            return ""
        now, sys_id = self.clock.wire(), new_id()
        self.store.insert(
            table, {"sys_id": sys_id, "sys_created_on": now, "sys_created_by": created_by, "sys_updated_on": now, **row}
        )
        return sys_id

    def event(
        self, name: str, user: Row, *, parm1: str = "", parm2: str = "", table: str = "", instance: str = ""
    ) -> None:
        """A `sysevent` row."""
        who = user.get("user_name", "guest")
        self.log(
            "sysevent",
            {"name": name, "parm1": parm1, "parm2": parm2, "table": table, "instance": instance, "user_id": user.get("sys_id", ""),
             "user_name": who, "queue": "", "state": "processed", "sys_updated_by": SYSTEM},
            who,
        )  # fmt: skip

    def _hashed(self, table: str, given: Row) -> dict[str, str]:
        """Passwords are never kept as they came: neither a filter nor the audit trail may give them away."""
        schema = self.store.schemas[table]
        return {
            k: hashlib.sha256(f"{secrets.token_hex(8)}{v}".encode()).hexdigest()
            if v and schema.type_of(k) == "password"
            else v
            for k, v in given.items()
        }

    def _audit(self, table: str, key: str, field: str, old: str, new: str, name: str) -> None:
        self.log(
            "sys_audit",
            {
                "tablename": table,
                "documentkey": key,
                "fieldname": field,
                "oldvalue": old,
                "newvalue": new,
                "user": name,
            },
            name,
        )

    def _number(self, table: str, prefix: str) -> str:
        if table not in self._numbers:
            found = self.store.rows(f'SELECT max(CAST(substr(number, {len(prefix) + 1}) AS INTEGER)) FROM "{table}"')
            self._numbers[table] = int(found[0][0] or 40_000)
        self._numbers[table] += 1
        return f"{prefix}{self._numbers[table]:07d}"

    def _abort_if_ruled(self, table: str, sys_id: str) -> None:
        """Active update rules with a filter and `abort_action`, the only business rules there are here, judge the new row."""
        if "sys_script" not in self.store.schemas:
            return
        rules = self.store.rows(
            'SELECT sys_id, name, filter_condition FROM "sys_script" WHERE collection = ? AND active IN (\'true\', \'1\') '
            "AND action_update IN ('true', '1') AND abort_action IN ('true', '1')", [table],
        )  # fmt: skip
        compiler = Compiler(self.store, self.clock.now(), "")
        for rule_id, name, condition in rules:
            where = compiler.where(parse(condition.removesuffix("^EQ")), table, "t")
            if self.store.rows(
                f'SELECT 1 FROM "{table}" t WHERE t.sys_id = ? AND {where.text}', [sys_id, *where.params]
            ):
                detail = f"Operation against file '{table}' was aborted by Business Rule '{name}^{rule_id}'. Business Rule Stack:{name}"
                raise Refused(failure(403, "Operation Failed", detail))
