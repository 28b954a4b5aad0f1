"""Access rules: those that ask for nothing, and tables, scripts and pages that have none (D21-D24)."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import Every, NoRows
from pipelines.posture.controls._declare import other, scan
from pipelines.posture.controls._tables import RULE_COLUMNS, active, is_bare
from pipelines.posture.core import Category
from pipelines.posture.relations import Relations

_rules = partial(other, Category.ACCESS_CONTROL)
_LINKS = {"sys_security_acl_role": ("sys_security_acl", "sys_user_role")}
_NAMES = {"sys_security_acl": ("name", "type", "active")}
_BARE = {"sys_security_acl": RULE_COLUMNS}
_SCRIPTS = {"sys_script_include": ("sys_id", "name", "api_name", "client_callable", "active")}
#: Pages without which nobody could log in.
_LOGIN_PAGES = ("login", "login_with_sso", "logout_success")


def _open_rules(t: Relations) -> ir.Table:
    rule, link = t["sys_security_acl"], t["sys_security_acl_role"]
    bare = rule.filter(active(rule.active), is_bare(rule))
    return bare.anti_join(link, bare.sys_id == link.sys_security_acl).select(uid="sys_id")


def _public_rules(t: Relations) -> ir.Table:
    rule, link, role = t["sys_security_acl"], t["sys_security_acl_role"], t["sys_user_role"]
    public = role.filter(role.name == "public").select(role_uid="sys_id")
    links = link.semi_join(public, link.sys_user_role == public.role_uid)
    living = rule.filter(active(rule.active))
    return living.semi_join(links, living.sys_id == links.sys_security_acl).select(uid="sys_id")


def _named(t: Relations, kind: str) -> ir.Table:
    rule = t["sys_security_acl"]
    return rule.filter(active(rule.active), rule.type == kind).select(rule_name=rule.name.strip()).distinct()


def _tables_without_rule(t: Relations) -> ir.Table:
    """Neither the table nor one that it extends has a rule, on rows or on a column."""
    table, lineage, rules = t["sys_db_object"], t.table_lineage, _named(t, "record")
    protected = rules.select(table=rules.rule_name.split(".")[0]).distinct()
    covered = lineage.semi_join(protected, lineage.above == protected.table).select("table_uid").distinct()
    return table.anti_join(covered, table.sys_id == covered.table_uid).select(uid="sys_id")


def _scripts_without_rule(t: Relations) -> ir.Table:
    script, rules = t["sys_script_include"], _named(t, "client_callable_script_include")
    callable_ = script.filter(active(script.active), active(script.client_callable))
    by_name = callable_.anti_join(rules, callable_.name == rules.rule_name)
    again = rules.view()
    return by_name.anti_join(again, by_name.api_name == again.rule_name).select(uid="sys_id")


def _pages_without_rule(t: Relations) -> ir.Table:
    page, rules = t["sys_ui_page"], _named(t, "ui_page")
    return page.anti_join(rules, page.name == rules.rule_name).select(uid="sys_id")


def _public_pages(t: Relations) -> ir.Table:
    page, public = t["sys_ui_page"], t["sys_public"]
    opened = public.filter(active(public.active), ~public.page.isin(_LOGIN_PAGES))
    return page.semi_join(opened, page.name == opened.page).select(uid="sys_id")


CONTROLS = (
    _rules(
        "D21",
        "no_rule_asks_for_nothing",
        "Every access rule asks for something, and none for the role public",
        Every(
            (
                NoRows(
                    "active access rules without role, script, condition and attribute",
                    _open_rules,
                    {**_BARE, **_LINKS},
                    unless=("sys_security_acl_role",),
                    repair=("Give each rule a role, beginning with those of tables in mart.exposed_resources.",),
                ),
                NoRows(
                    "active access rules that ask for the role public",
                    _public_rules,
                    {"sys_security_acl": ("sys_id", "active"), **_LINKS, "sys_user_role": ("sys_id", "name")},
                    repair=("Take the role public from each rule, unless guests are meant to pass it.",),
                ),
            )
        ),
        scan("Act", "SE10541"),
        why="Everybody passes such a rule, often also people who never logged in.",
        impact="Whoever held none of the roles that are then asked for is refused.",
    ),
    _rules(
        "D22",
        "every_table_has_rules",
        "Every table has an access rule, or extends one that has",
        NoRows(
            "tables without an access rule",
            _tables_without_rule,
            {**_NAMES, "sys_db_object": ("sys_id", "name", "super_class")},
            unless=("sys_security_acl",),
            repair=("Add rules for read, write, create and delete to each table.",),
        ),
        scan("Suggest", "SE10462"),
        why="Only the rule for all tables protects it, and whatever that one is loosened to.",
        impact="Whoever holds none of the roles that are then asked for is refused.",
    ),
    _rules(
        "D23",
        "callable_scripts_have_rules",
        "Scripts that a browser may call have an access rule",
        NoRows(
            "client callable script includes without an access rule",
            _scripts_without_rule,
            {**_NAMES, **_SCRIPTS},
            unless=("sys_security_acl",),
            repair=("Add a rule of type client callable script include with the roles that use each.",),
        ),
        scan("", "SE10083"),
        why="Everybody who is logged in can call them with arguments of his own.",
        impact="Pages fail for people without the role.",
    ),
    _rules(
        "D24",
        "ui_pages_closed",
        "UI pages have an access rule and ask for a login",
        Every(
            (
                NoRows(
                    "UI pages without an access rule",
                    _pages_without_rule,
                    {**_NAMES, "sys_ui_page": ("sys_id", "name")},
                    unless=("sys_security_acl",),
                    repair=("Add a rule of type ui_page with the roles that use each.",),
                ),
                NoRows(
                    "public UI pages other than those for logging in",
                    _public_pages,
                    {"sys_ui_page": ("sys_id", "name"), "sys_public": ("page", "active")},
                    repair=("In sys_public.list deactivate each page that guests do not need.",),
                ),
            )
        ),
        scan("", "SE10100", "SE10433"),
        why="A page runs its server script for whoever may open it.",
        impact="People without the role, and guests, are refused.",
    ),
)
