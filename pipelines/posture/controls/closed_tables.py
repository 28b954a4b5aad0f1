"""Two tables that must stay closed: what their access rules ask for, and who passes (D39, D49)."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import Every, NoRows, SomeRows, Undecided, Where
from pipelines.posture.controls._declare import other, scan
from pipelines.posture.controls._tables import RULE_COLUMNS, active, is_bare
from pipelines.posture.core import Category
from pipelines.posture.holders import PART_TABLES, ROLE_TABLES
from pipelines.posture.relations import Find, Relations

_rules = partial(other, Category.ACCESS_CONTROL)
_ROLES = {table: tuple(sorted(columns)) for table, columns in ROLE_TABLES.items()}
_PARTS = {table: tuple(sorted(columns)) for table, columns in PART_TABLES.items()}
_LINKS = {"sys_security_acl_role": ("sys_security_acl", "sys_user_role")}
_READ = {"sys_security_acl": (*RULE_COLUMNS, "name", "type", "operation")}
_AUDIT, _FILES = "sys_audit", "cmdb_ci_config_file_tracked"


def _read_rules(t: Relations, table: str) -> ir.Table:
    rule = t["sys_security_acl"]
    return rule.filter(active(rule.active), rule.type == "record", rule.operation == "read", rule.name == table)


def _outsiders_roles(t: Relations) -> ir.Table:
    """Roles, by sys_id, that somebody from outside holds in any way."""
    holders, role = t.role_holders, t["sys_user_role"]
    outside = holders.filter(holders.role == "snc_external").select(who="user_uid").distinct()
    held = holders.semi_join(outside, holders.user_uid == outside.who).select(held="role").distinct()
    return (
        role.filter(role.name == "public")
        .select(role_uid="sys_id")
        .union(role.semi_join(held, role.name == held.held).select(role_uid="sys_id"))
    )


def _agents_roles(t: Relations) -> ir.Table:
    """Roles, by sys_id, that everybody with itil holds."""
    part, role = t.role_parts, t["sys_user_role"]
    everybody = role.filter(role.name.isin(["public", "snc_internal"])).select(role_uid="sys_id")
    return everybody.union(part.filter(part.role == "itil").select(role_uid="part_uid"))


def _lets_in(table: str, roles: Find, *, bare: bool) -> Find:
    """Read rules that one of these roles passes; `bare` tells those that nothing else decides from the others."""

    def find(t: Relations) -> ir.Table:
        rule, link, passing = _read_rules(t, table), t["sys_security_acl_role"], roles(t)
        links = link.semi_join(passing, link.sys_user_role == passing.role_uid)
        asked = rule.filter(is_bare(rule) if bare else ~is_bare(rule))
        return asked.semi_join(links, asked.sys_id == links.sys_security_acl).select(uid="sys_id")

    return find


def _asks_no_role(table: str, *, bare: bool) -> Find:
    def find(t: Relations) -> ir.Table:
        rule, link = _read_rules(t, table), t["sys_security_acl_role"]
        asked = rule.filter(is_bare(rule) if bare else ~is_bare(rule))
        return asked.anti_join(link, asked.sys_id == link.sys_security_acl).select(uid="sys_id")

    return find


def _closed(table: str, whom: str, roles: Find, closure: dict[str, tuple[str, ...]], repair: str) -> Every:
    """Rules of its own, none of which lets them in; rules that a script or a condition decides leave it unknown."""
    by_role = {**closure, **_LINKS, **_READ}
    because = f"a script, a condition or an attribute decides, which only the instance can evaluate for {whom}"
    return Every(
        (
            SomeRows(
                f"active read rule of {table}",
                lambda t: _read_rules(t, table).select(uid="sys_id"),
                {"sys_security_acl": ("sys_id", "active", "name", "type", "operation")},
                repair=(f"In sys_security_acl.list see that {table} has a read rule of its own.",),
            ),
            NoRows(f"read rules of {table} that {whom} pass by a role", _lets_in(table, roles, bare=True), by_role,
                   repair=(repair,)),
            NoRows(f"read rules of {table} that ask for no role", _asks_no_role(table, bare=True), {**_LINKS, **_READ},
                   unless=("sys_security_acl_role",), repair=(repair,)),
            Undecided(f"read rules of {table} for {whom} that a script decides", _lets_in(table, roles, bare=False), by_role,
                      because=because),
            Undecided(f"read rules of {table} without a role that a script decides", _asks_no_role(table, bare=False),
                      {**_LINKS, **_READ}, because=because),
        )
    )  # fmt: skip


CONTROLS = (
    _rules(
        "D39",
        "audit_trail_closed_to_outsiders",
        "External users cannot read the audit trail",
        _closed(_AUDIT, "external users", _outsiders_roles, _ROLES,
                "Replace the role by one that no external user holds, such as admin."),
        scan("Act", "SE10468", "SE10476"),
        why="Old and new values of every audited field are in it, whatever protects the record itself.",
        impact="External users see no history of records.",
    ),
    _rules(
        "D49",
        "tracked_files_closed_to_agents",
        "Tracked configuration files cannot be read with the role itil",
        Where(
            SomeRows(
                f"table {_FILES}",
                lambda t: (o := t["sys_db_object"]).filter(o.name == _FILES).select(uid=o.sys_id),
                {"sys_db_object": ("sys_id", "name")},
            ),
            _closed(_FILES, "holders of itil", _agents_roles, _PARTS,
                    "Replace the role by one that only the owners of the configuration hold."),
            otherwise="the instance tracks no configuration files",
        ),
        scan("Act", "SE10534"),
        why="Such files hold passwords and keys in plain text.",
        impact="Agents of the service desk see that a file changed and no longer how.",
    ),
)  # fmt: skip
