"""The stock records that every new ServiceNow instance comes with and its official client's tests look for (7.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

import polars as pl

from pipelines.emulator.accounts import CLIENT_CREDENTIALS
from pipelines.emulator.clock import WIRE
from pipelines.emulator.dictionary import choice_rows, dictionary_rows
from pipelines.emulator.instance import Instance
from pipelines.emulator.schema import COLUMNS_SINCE, SCHEMA, TABLES_SINCE

ADMIN = "6816f79cc0a8016401c5a33be04be441"
ADMIN_ROLE = "2831a114c611228501d4ea6c309d626d"
FINANCE = "a581ab703710200044e0bfc8bcbe5de8"
NATASHA = "46c5bf6ca9fe1981010713e3ac7d3384"
PROBLEM_ADMIN = "26fbff173b331300ad3cc9bb34efc4bd"
ADMIN_PASSWORD = "admin-Passw0rd"  # noqa: S105  # of an emulator on loopback
ROLE_HOLDERS = 12
GROUPS = ("Database Admins", "Network Admins", "Service Desk", "Hardware", "Change Advisory")


def add_platform(instance: Instance, absent: Collection[str] = ()) -> None:
    """What any instance has whatever rows it serves: all tables but those `absent`, their dictionary, its release, somebody
    who may sign in."""
    store = instance.store
    for schema in SCHEMA.values():
        if schema.name not in store.schemas and schema.name not in absent:
            store.create(schema)
    for table, release in TABLES_SINCE.items():
        if not instance.is_at_least(release):
            store.schemas.pop(table, None)
    for (table, column), release in COLUMNS_SINCE.items():
        if not instance.is_at_least(release) and table in store.schemas:
            store.hide_column(table, column)
    created = _before(instance, timedelta(days=400)).strftime(WIRE)
    for table, rows in (("sys_dictionary", dictionary_rows), ("sys_choice", choice_rows)):
        if not store.rows(f'SELECT 1 FROM "{table}" LIMIT 1'):
            store.load(table, rows(list(store.schemas.values()), created))
    if not instance.property("glide.buildtag.last"):
        store.insert(
            "sys_properties",
            {
                "sys_id": _id("property", "buildtag"),
                "name": "glide.buildtag.last",
                "value": _build_tag(instance),
                "type": "string",
            },
        )
    if instance.user("admin") is None:
        store.insert("sys_user", {"sys_id": ADMIN, "user_name": "admin", "name": "System Administrator", "active": "true", "time_zone": "UTC",
                                  "sys_created_on": created, "sys_updated_on": created})  # fmt: skip
    instance.passwords.setdefault("admin", ADMIN_PASSWORD)
    if not instance.clients:
        instance.clients[_id("client", "demo")] = "demo-client-secret"


def _before(instance: Instance, span: timedelta) -> datetime:
    """So long ago, to the hour: two servers that start at the same virtual time serve the same rows, however long loading took."""
    return instance.clock.now().replace(minute=0, second=0, microsecond=0) - span


def _build_tag(instance: Instance) -> str:
    return f"glide-{instance.settings.release}-07-06-2023__patch4-01-05-2024"


def add_demo_records(instance: Instance) -> None:
    """Add what is missing to a platform; what the organisation already has stays."""
    store = instance.store
    stamp = _before(instance, timedelta(days=400)).strftime(WIRE)
    audit = {
        "sys_created_on": stamp,
        "sys_updated_on": stamp,
        "sys_created_by": "admin",
        "sys_updated_by": "admin",
        "sys_mod_count": "1",
    }

    def add(table: str, *rows: dict[str, str]) -> None:
        for row in rows:
            if not store.rows(f'SELECT 1 FROM "{table}" WHERE sys_id = ?', [row["sys_id"]]):
                known = {k: v for k, v in audit.items() if k in store.schemas[table].columns}
                store.insert(table, {**known, **row})

    _people(instance, add)
    _groups(add)
    add(
        "sys_db_object",
        *(
            {"sys_id": _id("table", name), "name": name, "label": name.replace("_", " ").title()}
            for name in (*SCHEMA, "alm_asset", "bsm_chart")
        ),
    )
    _bulk(instance, stamp)
    add("problem", *(
        {"sys_id": _id("problem", str(n)), "number": f"PRB{n:07d}", "short_description": f"Slow response of service {n}", "state": "101",
         "active": "true", "priority": str(n % 4 + 1), "impact": "2", "urgency": "2", "opened_by": ADMIN, "opened_at": stamp, "sys_class_name": "problem"}
        for n in range(1, 16)
    ))  # fmt: skip
    add("incident", {"sys_id": _id("incident", "1"), "number": "INC0000001", "short_description": "Cannot read mail", "state": "1", "active": "true",
                     "priority": "3", "opened_by": ADMIN, "caller_id": NATASHA, "opened_at": stamp, "sys_class_name": "incident"})  # fmt: skip
    add(
        "sys_properties",
        {
            "sys_id": _id("property", "client credentials"),
            "name": CLIENT_CREDENTIALS,
            "value": "true",
            "type": "boolean",
        },
    )
    store.rows("UPDATE \"sys_properties\" SET value = ? WHERE name = 'glide.buildtag.last'", [_build_tag(instance)])


def _people(instance: Instance, add: object) -> None:
    assert callable(add)
    base = {
        "active": "true",
        "locked_out": "false",
        "sys_class_name": "sys_user",
        "web_service_access_only": "false",
        "vip": "false",
    }
    add("cmn_department", {"sys_id": FINANCE, "name": "Finance", "dept_head": NATASHA})
    add("sys_user",
        {**base, "sys_id": ADMIN, "user_name": "admin", "name": "System Administrator", "first_name": "System", "last_name": "Administrator",
         "email": "admin@example.com", "department": FINANCE, "user_password": "hashed", "time_zone": "US/Pacific"},
        {**base, "sys_id": NATASHA, "user_name": "natasha.ingram", "name": "Natasha Ingram", "first_name": "Natasha", "last_name": "Ingram",
         "email": "natasha.ingram@example.com", "department": FINANCE},
        {**base, "sys_id": PROBLEM_ADMIN, "user_name": "problem.admin", "name": "Problem Admin", "first_name": "Problem", "last_name": "Admin",
         "email": "problem.admin@example.com"})  # fmt: skip
    instance.store.update("sys_user", ADMIN, {"name": "System Administrator", "email": "admin@example.com", "active": "true", "department": FINANCE,
                                              "user_password": "hashed", "time_zone": "US/Pacific"})  # fmt: skip
    instance.store.update("cmn_department", FINANCE, {"name": "Finance", "dept_head": NATASHA})
    add("sys_user_role", {"sys_id": ADMIN_ROLE, "name": "admin", "description": "The System Administrator role.", "elevated_privilege": "false"},
        {"sys_id": _id("role", "itil"), "name": "itil", "description": "Can perform standard actions for an ITIL helpdesk technician"})  # fmt: skip
    holders = [{**base, "sys_id": _id("holder", str(n)), "user_name": f"stock.admin.{n:02d}", "name": f"Stock Admin {n:02d}",
                "mobile_phone": f"555-01{n:02d}" if n < 4 else ""} for n in range(ROLE_HOLDERS)]  # fmt: skip
    add("sys_user", *holders)
    held = {
        row[0]
        for row in instance.store.rows('SELECT DISTINCT user FROM "sys_user_has_role" WHERE role = ?', [ADMIN_ROLE])
    }
    missing = [uid for uid in (ADMIN, *(h["sys_id"] for h in holders)) if uid not in held][
        : max(0, ROLE_HOLDERS - len(held))
    ]
    add(
        "sys_user_has_role",
        *(
            {"sys_id": _id("has", uid), "user": uid, "role": ADMIN_ROLE, "state": "active", "inherited": "false"}
            for uid in missing
        ),
    )


def _groups(add: object) -> None:
    assert callable(add)
    managers = (ADMIN, NATASHA, PROBLEM_ADMIN)
    add(
        "sys_user_group",
        *(
            {"sys_id": _id("group", name), "name": name, "active": "true", "manager": managers[n % 3]}
            for n, name in enumerate(GROUPS)
        ),
    )
    add(
        "sys_group_has_role",
        *(
            {"sys_id": _id("ghr", name), "group": _id("group", name), "role": ADMIN_ROLE, "inherits": "true"}
            for name in GROUPS[:3]
        ),
    )
    add(
        "sys_group_has_role",
        {
            "sys_id": _id("ghr", "itil"),
            "group": _id("group", GROUPS[4]),
            "role": _id("role", "itil"),
            "inherits": "true",
        },
    )


def _bulk(instance: Instance, stamp: str) -> None:
    """Tables that clients page through: more than 600 log lines, more than 500 pieces of metadata."""
    if instance.store.rows('SELECT count(*) FROM "syslog"')[0][0] < 700:
        start = _before(instance, timedelta(hours=20))
        instance.store.load("syslog", pl.DataFrame([
            {"sys_id": _id("log", str(n)), "sys_created_on": (start + timedelta(seconds=60 * n)).strftime(WIRE), "sys_created_by": "system",
             "level": "0", "message": f"Worker finished job {n}", "source": "scheduler", "sequence": str(n)} for n in range(750)
        ]))  # fmt: skip
    if instance.store.rows('SELECT count(*) FROM "sys_metadata"')[0][0] < 600:
        instance.store.load("sys_metadata", pl.DataFrame([
            {"sys_id": _id("meta", str(n)), "sys_created_on": stamp, "sys_updated_on": stamp, "sys_created_by": "admin", "sys_name": f"Record {n}",
             "sys_class_name": "sys_script_include", "sys_mod_count": "0"} for n in range(650)
        ]))  # fmt: skip


def _id(kind: str, name: str) -> str:
    """A stable sys_id for a stock record of ours."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:32]
