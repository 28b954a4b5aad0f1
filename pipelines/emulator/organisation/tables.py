"""The slowly changing tables as they stand before the first day, and the scripted changes of ordinary life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY, instant, moment
from pipelines.emulator.organisation.machines import COLLECTOR, MACHINES
from pipelines.emulator.organisation.names import CUSTOMERS, DEPARTMENTS
from pipelines.emulator.organisation.people import NEVER, Kind, People
from pipelines.emulator.organisation.places import CITIES, OFFICES
from pipelines.emulator.organisation.rows import GUEST
from pipelines.emulator.organisation.sessions import Sessions
from pipelines.emulator.organisation.streams import Streams
from pipelines.emulator.organisation.world import Change

ADMIN = "6816f79cc0a8016401c5a33be04be441"
PROBLEM_ADMIN = "26fbff173b331300ad3cc9bb34efc4bd"
FINANCE = "a581ab703710200044e0bfc8bcbe5de8"
FINANCE_HEAD = "46c5bf6ca9fe1981010713e3ac7d3384"
ADMIN_ROLE = "2831a114c611228501d4ea6c309d626d"
KNOWN_ROLES = {
    "admin": ADMIN_ROLE,
    "security_admin": "b2d8f7130a0a0baa5bf52498ecaadeb4",
    "impersonator": "bca873d30a000704013944bd9a5e03a4",
    "oauth_admin": "88a98433d7112100f20bc8170e61033e",
    "snc_external": "940ba702933002009c8579b4f47ffbe2",
}
ROLES = (
    *KNOWN_ROLES, "itil", "snc_internal", "knowledge_manager", "report_admin", "catalog_admin", "user_admin", "soap_query",
    "snc_platform_rest_api_access", "sn_hr_core.basic", "sn_customerservice_agent", "web_service_admin",
)  # fmt: skip
ELEVATED = frozenset({"security_admin"})
GROUPS = (
    "Service Desk",
    "Network",
    "Platform Administrators",
    "HR Services",
    "Legal Holds",
    "Change Advisory Board",
    "Database",
)
# group -> roles that come with it; five of them carry an administrative role
GROUP_ROLES = (
    ("Service Desk", "itil"), ("Network", "itil"), ("Platform Administrators", "user_admin"), ("HR Services", "sn_hr_core.basic"),
    ("Legal Holds", "report_admin"), ("Change Advisory Board", "catalog_admin"), ("Database", "web_service_admin"),
    ("Platform Administrators", "oauth_admin"),
)  # fmt: skip
PROPERTIES = (
    ("glide.buildtag.last", "glide-yokohama-12-18-2024__patch7-08-07-2025", "string"),
    ("glide.war", "glide-yokohama-12-18-2024__patch7-08-07-2025_09-01-2025_1021.zip", "string"),
    ("instance_name", "meridian", "string"),
    ("glide.authenticate.multifactor", "true", "boolean"),
    ("glide.sys.log_impersonation", "true", "boolean"),
    ("glide.user.max_unlock_attempts", "5", "integer"),
    ("glide.basicauth.required.scriptedprocessor", "false", "boolean"),
    ("glide.basicauth.required.soap", "true", "boolean"),
    ("glide.basicauth.required.wsdl", "true", "boolean"),
    ("glide.basicauth.required.csv", "true", "boolean"),
    ("glide.image_provider.security_enabled", "true", "boolean"),
    ("glide.authenticate.only.allow.active.user.login", "true", "boolean"),
    ("com.glide.attachment.max_size", "1024", "integer"),
    ("security.list.internal.domains", "meridian-works.example", "string"),
    ("glide.sys.audit_inserts", "false", "boolean"),
    ("glide.ui.session_timeout", "30", "integer"),
)
PLUGINS = (
    ("com.glide.explicit_roles", "Explicit Roles", True),
    ("com.glide.high_security", "High Security Settings", True),
    ("com.snc.platform.security.oauth", "OAuth 2.0", True),
    ("com.glide.protected_tables", "Protected Tables", False),
    ("com.snc.identity_center", "Identity Center", False),
    ("com.glide.security.audit", "Security Audit", False),
    ("com.snc.read_only.role", "Read-only role", True),
    ("com.glide.email_retention", "Email Retention", True),
    ("com.sn_customerservice", "Customer Service", True),
)
Row = Mapping[str, str]


def table(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows with differing columns; a column a row does not name is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame({name: pl.Series([row.get(name, "") for row in rows], dtype=pl.String) for name in columns})


def role_ids(streams: Streams) -> dict[str, str]:
    return {name: KNOWN_ROLES.get(name, streams.sys_id("role", name)) for name in ROLES}


def department_id(streams: Streams, unit: int) -> str:
    name = DEPARTMENTS[unit][0]
    return FINANCE if name == "Finance" else streams.sys_id("department", name)


def _stamped(at: int, by: str = "admin") -> dict[str, str]:
    return {
        "sys_created_on": moment(at),
        "sys_created_by": by,
        "sys_updated_on": moment(at),
        "sys_updated_by": by,
        "sys_mod_count": "0",
    }


def _account(sys_id: str, user_name: str, name: str, start: int, **more: str) -> Row:
    first, _, last = name.partition(" ")
    return {
        "sys_id": sys_id, "user_name": user_name, "name": name, "first_name": first, "last_name": last,
        "email": f"{user_name}@example.com", "active": "true", "locked_out": "false", "failed_attempts": "0",
        "web_service_access_only": "false", "internal_integration_user": "false", "enable_multifactor_authn": "false",
        "password_needs_reset": "false", "vip": "false", "sys_class_name": "sys_user", "sys_domain": "global",
        **_stamped(start - 900 * DAY), **more,
    }  # fmt: skip


def person_row(streams: Streams, people: People, at: int, start: int) -> dict[str, str]:
    """One human account as `sys_user` shows it."""
    outside = people.kind[at] == Kind.EXTERNAL
    city = CITIES[int(people.city[at])]
    manager = int(people.manager[at])
    return {
        **_account(people.sys_id[at], people.user_name[at], people.name[at], 0),
        "email": people.email[at],
        "title": people.title[at],
        "department": "" if outside else department_id(streams, int(people.department[at])),
        "company": streams.sys_id("company", CUSTOMERS[at % len(CUSTOMERS)] if outside else "Meridian Works"),
        "location": "" if outside else streams.sys_id("location", city.name),
        "country": city.country,
        "city": city.name,
        "manager": people.sys_id[manager] if manager >= 0 else "",
        "time_zone": city.zone,
        "source": "ldap:CN=" + people.name[at] if people.sso[at] else "",
        "vip": "true" if manager < 0 and not outside else "false",
        "enable_multifactor_authn": "true" if people.sso[at] else "false",
        **_last_login(people, at, start),
        "mobile_phone": f"+31 6 000 00{at:03d}" if at < 12 else "",
        "sys_class_name": "customer_contact" if outside else "sys_user",
        **_stamped(int(people.created[at])),
    }


def _last_login(people: People, at: int, start: int) -> dict[str, str]:
    """Before the first day: months ago for sleeping accounts, a day or two ago for the others, never for joiners."""
    if people.joined[at]:
        return {"last_login_time": "", "last_login": ""}
    time = moment(start - (100 + at % 200 if people.dormant[at] else 1 + at % 2) * DAY + 32_000 + at)
    return {"last_login_time": time, "last_login": time[:10]}


def _special_accounts(streams: Streams, start: int) -> list[Row]:
    rows = [
        _account(ADMIN, "admin", "System Administrator", start, department=FINANCE, time_zone="US/Pacific", source=""),
        _account(PROBLEM_ADMIN, "problem.admin", "Problem Administrator", start),
        _account(FINANCE_HEAD, "natasha.ingram", "Natasha Ingram", start, department=FINANCE),
        _account(GUEST, "guest", "Guest", start, email=""),
        _account(streams.sys_id("user", "soap.guest"), "soap.guest", "", start, email=""),
    ]
    machines = {"internal_integration_user": "true", "web_service_access_only": "true", "email": ""}
    labels = {**{machine.user_name: machine.label for machine in MACHINES}, COLLECTOR: "Nowguard Collector"}
    return [
        *rows,
        *(_account(streams.sys_id("user", name), name, label, start, **machines) for name, label in labels.items()),
    ]


def _holdings(streams: Streams, people: People, roles: Mapping[str, str], start: int) -> list[Row]:
    pairs = [(ADMIN, "admin"), (ADMIN, "security_admin"), (PROBLEM_ADMIN, "admin")]
    for at in range(len(people)):
        held = ["snc_external"] if people.kind[at] == Kind.EXTERNAL else ["snc_internal"]
        held += ["admin"] * bool(people.admin[at]) + ["itil", "impersonator"] * bool(people.desk[at])
        pairs += [(people.sys_id[at], role) for role in held]
    pairs += [(streams.sys_id("user", machine.user_name), "snc_platform_rest_api_access") for machine in MACHINES]
    pairs += [(streams.sys_id("user", COLLECTOR), "admin")]
    return [
        {
            "sys_id": streams.sys_id("holding", user, role), "user": user, "role": roles[role], "granted_by": "",
            "inherited": "false", "inh_count": "0", "state": "active", **_stamped(start - 300 * DAY),
        }
        for user, role in pairs
    ]  # fmt: skip


def _groups(streams: Streams, people: People, roles: Mapping[str, str], start: int) -> dict[str, list[Row]]:
    staff = np.flatnonzero(people.employees)
    leaders = {name: int(staff[at % len(staff)]) for at, name in enumerate(GROUPS)}
    members = {name: staff[(people.department[staff] + at) % len(GROUPS) == 0] for at, name in enumerate(GROUPS)}
    members["Service Desk"] = np.flatnonzero(people.desk)
    members["Platform Administrators"] = np.flatnonzero(people.admin)
    return {
        "sys_user_group": [
            {"sys_id": streams.sys_id("group", name), "name": name, "active": "true", "manager": people.sys_id[leaders[name]],
             "parent": "", **_stamped(start - 700 * DAY)}
            for name in GROUPS
        ],
        "sys_user_grmember": [
            {"sys_id": streams.sys_id("member", name, people.sys_id[at]), "user": people.sys_id[at],
             "group": streams.sys_id("group", name), **_stamped(start - 200 * DAY)}
            for name in GROUPS for at in members[name]
        ],
        "sys_group_has_role": [
            {"sys_id": streams.sys_id("grouprole", group, role), "group": streams.sys_id("group", group), "role": roles[role],
             "inherits": "true", **_stamped(start - 700 * DAY)}
            for group, role in GROUP_ROLES
        ],
    }  # fmt: skip


def _catalogues(streams: Streams, people: People, roles: Mapping[str, str], start: int) -> dict[str, list[Row]]:
    old = _stamped(start - 800 * DAY)
    heads = {unit: int(np.flatnonzero(people.department == unit)[0]) for unit in set(people.department.tolist()) - {-1}}
    return {
        "sys_user_role": [
            {"sys_id": sys_id, "name": name, "description": f"Role {name}", "elevated_privilege": str(name in ELEVATED).lower(), **old}
            for name, sys_id in roles.items()
        ],
        "cmn_department": [
            {"sys_id": department_id(streams, unit), "name": name,
             "dept_head": FINANCE_HEAD if name == "Finance" else people.sys_id[heads[unit]] if unit in heads else "", **old}
            for unit, (name, _, _) in enumerate(DEPARTMENTS)
        ],
        "core_company": [
            {"sys_id": streams.sys_id("company", name), "name": name, **old} for name in ("Meridian Works", *CUSTOMERS)
        ],
        "cmn_location": [
            {"sys_id": streams.sys_id("location", city.name), "name": city.name, "country": city.country, "city": city.name,
             "latitude": str(city.latitude), "longitude": str(city.longitude), "time_zone": city.zone, **old}
            for city in OFFICES
        ],
        "sys_properties": [
            {"sys_id": streams.sys_id("property", name), "name": name, "value": value, "type": kind, "private": "false", **old}
            for name, value, kind in PROPERTIES
        ],
        "v_plugin": [
            {"sys_id": streams.sys_id("plugin", name), "id": name, "name": label, "active": "active" if on else "inactive",
             "version": "1.0.0"}
            for name, label, on in PLUGINS
        ],
        "sys_plugins": [
            {"sys_id": streams.sys_id("plugin", name), "source": name, "name": label, "active": str(on).lower(), "version": "1.0.0", **old}
            for name, label, on in PLUGINS
        ],
    }  # fmt: skip


def directory_tables(streams: Streams, people: People, start: int) -> dict[str, pl.DataFrame]:
    roles = role_ids(streams)
    users = [*_special_accounts(streams, start), *(person_row(streams, people, at, start) for at in range(len(people)))]
    rows: dict[str, list[Row]] = {
        "sys_user": users,
        "sys_user_has_role": _holdings(streams, people, roles, start),
        **_groups(streams, people, roles, start),
        **_catalogues(streams, people, roles, start),
    }
    return {name: table(items) for name, items in rows.items()}


def login_changes(people: People, sessions: Sessions, end: int) -> list[Change]:
    """`last_login_time` as the script action sets it: once per user and local day, with the day's last login."""
    keep = sessions.start < end - 60
    user, start, day = sessions.user[keep], sessions.start[keep], sessions.day[keep]
    order = np.lexsort((start, day, user))
    last = order[np.flatnonzero(np.diff(user[order] * 10_000 + day[order], append=-1))]
    return [
        Change(
            instant(time + 20), "sys_user", people.sys_id[who],
            {"last_login_time": moment(time), "last_login": moment(time)[:10], "failed_attempts": "0"},
        )
        for who, time in zip(user[last].tolist(), start[last].tolist(), strict=True)
    ]  # fmt: skip


def departures(people: People) -> tuple[list[Change], list[tuple[int, int]]]:
    """Deactivation of those who leave, ten minutes after their last moment; and (user, time) for the audit trail."""
    gone = np.flatnonzero(people.left < NEVER)
    changes, audit = [], []
    for at in gone.tolist():
        time = int(people.left[at]) + 600
        stamp = {"sys_updated_on": moment(time), "sys_updated_by": "svc.hr_sync"}
        values = {"active": "false", "locked_out": "true", **stamp}
        changes.append(Change(instant(time), "sys_user", people.sys_id[at], values))
        audit.append((at, time))
    return changes, audit
