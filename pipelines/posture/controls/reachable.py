"""What can be reached without the right to: code, knowledge, pages, reports (of D23-D38), and upkeep (D43-D48)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import NoRows
from pipelines.posture.controls._declare import other, scan, unrated
from pipelines.posture.controls._tables import active, blank, off
from pipelines.posture.core import Category
from pipelines.posture.relations import Relations

_code = partial(other, Category.ACCESS_CONTROL)
_content = partial(other, Category.CONTENT)
_upkeep = partial(other, Category.INTEGRATIONS)
_AUDITOR = unrated("ServiceNow Access Controls Auditor and Auditor suites")
_SOON = timedelta(days=30)


def _processors(t: Relations) -> ir.Table:
    p = t["sys_processor"]
    return p.filter(active(p.active), p.type.lower() == "script", off(p.csrf_protect)).select(uid=p.sys_id)


def _operations(t: Relations) -> ir.Table:
    o = t["sys_ws_operation"]
    is_open = off(o.requires_authentication) | off(o.requires_acl_authorization)
    return o.filter(active(o.active), is_open).select(uid=o.sys_id)


def _schemas(t: Relations) -> ir.Table:
    s = t["sys_graphql_schema"]
    return s.filter(active(s.active), off(s.requires_authentication)).select(uid=s.sys_id)


def _knowledge_bases(t: Relations) -> ir.Table:
    base = t["kb_knowledge_base"]
    reads, writes = t["kb_uc_can_read_mtom"], t["kb_uc_can_contribute_mtom"]
    live = base.filter(active(base.active))
    without_read = live.anti_join(reads, live.sys_id == reads.kb_knowledge_base).select(uid="sys_id")
    without_write = live.anti_join(writes, live.sys_id == writes.kb_knowledge_base).select(uid="sys_id")
    return without_read.union(without_write)


def _articles(t: Relations) -> ir.Table:
    a = t["kb_knowledge"]
    is_published = a.workflow_state == "published"
    return a.filter(is_published, blank(a.valid_to) | active(a.flagged)).select(uid=a.sys_id)


def _pages(t: Relations) -> ir.Table:
    page, widget = t["sp_page"], t["sp_widget"]
    pages = page.filter(active(page.public)).select(uid=page.sys_id)
    return pages.union(widget.filter(active(widget.public)).select(uid=widget.sys_id))


def _producers(t: Relations) -> ir.Table:
    p, criteria = t["sc_cat_item_producer"], t["sc_cat_item_user_criteria_mtom"]
    without_roles = p.filter(active(p.active), blank(p.roles))
    return without_roles.anti_join(criteria, without_roles.sys_id == criteria.sc_cat_item).select(uid="sys_id")


def _certificates(t: Relations) -> ir.Table:
    c = t["sys_certificate"]
    last_day = (t.day + _SOON).isoformat()  # text of that form sorts as time does
    return c.filter(active(c.active), ~blank(c.expires), c.expires.substr(0, 10) <= last_day).select(uid=c.sys_id)


CONTROLS = (
    _code(
        "D25",
        "script_processors_refuse_forged_requests",
        "Script processors ask for a token against forged requests",
        NoRows(
            "active script processors without CSRF protection",
            _processors,
            {"sys_processor": ("sys_id", "active", "type", "csrf_protect")},
            repair=("In sys_processor.list tick CSRF protect on each.",),
        ),
        _AUDITOR,
        why="Another site can make a logged in browser call them.",
        impact="Callers that send no token are refused.",
    ),
    _code(
        "D26",
        "rest_resources_authenticate_and_authorize",
        "Scripted REST resources ask for a login and for access rules",
        NoRows(
            "active scripted REST resources without login or access rules",
            _operations,
            {"sys_ws_operation": ("sys_id", "active", "requires_authentication", "requires_acl_authorization")},
            repair=("In sys_ws_operation.list tick both on each, and name the access rule that decides.",),
        ),
        scan("Recommend", "SE10522"),
        why="Whoever knows the address can call them and read what they return.",
        impact="Callers without an account or the right are refused.",
    ),
    _code(
        "D27",
        "graphql_schemas_authenticate",
        "GraphQL schemas ask for a login",
        NoRows(
            "active GraphQL schemas without login",
            _schemas,
            {"sys_graphql_schema": ("sys_id", "active", "requires_authentication")},
            repair=("In sys_graphql_schema.list tick Requires authentication on each.",),
        ),
        _AUDITOR,
        why="A schema that asks for no login answers anybody.",
        impact="Callers need an account from then on.",
    ),
    _content(
        "D31",
        "knowledge_bases_have_criteria",
        "Every knowledge base says who may read and who may write",
        NoRows(
            "active knowledge bases without read or contribute criteria",
            _knowledge_bases,
            {
                "kb_knowledge_base": ("sys_id", "active"),
                "kb_uc_can_read_mtom": ("kb_knowledge_base",),
                "kb_uc_can_contribute_mtom": ("kb_knowledge_base",),
            },
            unless=("kb_uc_can_read_mtom", "kb_uc_can_contribute_mtom"),
            repair=("Open each knowledge base and add criteria to Can read and Can contribute.",),
        ),
        scan("", "SE10585", "SE10594"),
        why="Without criteria a knowledge base may be open to everybody.",
        impact="People who meet no criteria stop seeing its articles.",
    ),
    _content(
        "D35",
        "articles_expire_and_are_reviewed",
        "Published articles have a last day and no open flag",
        NoRows(
            "published articles without a last day, or flagged",
            _articles,
            {"kb_knowledge": ("sys_id", "workflow_state", "valid_to", "flagged")},
            repair=("Set Valid to on each article, and answer what readers flagged.",),
        ),
        _AUDITOR,
        why="An article that nobody looks at again keeps showing what should be gone.",
        impact="Articles leave the portal on their last day.",
    ),
    _content(
        "D36",
        "no_public_portal_content",
        "Portal pages and widgets ask for a login",
        NoRows(
            "public portal pages and widgets",
            _pages,
            {"sp_page": ("sys_id", "public"), "sp_widget": ("sys_id", "public")},
            repair=("Review each public page and widget; untick Public where guests do not need it.",),
        ),
        scan("", "SE10432", "SE10452"),
        why="Guests see whatever these show; a public widget can be called on its own.",
        impact="Guests have to log in to reach the page.",
    ),
    _content(
        "D37",
        "no_published_reports",
        "Reports are not published to everybody",
        NoRows(
            "published reports",
            lambda t: (r := t["sys_report"]).filter(active(r.is_published)).select(uid=r.sys_id),
            {"sys_report": ("sys_id", "is_published")},
            repair=("Open each report and choose Unpublish.",),
        ),
        scan("", "SE10295", "SE10474"),
        why="Whoever has the address of a published report can open it.",
        impact="Links to the report ask for a login.",
    ),
    _content(
        "D38",
        "record_producers_restricted",
        "Record producers say who may use them",
        NoRows(
            "active record producers without roles or criteria",
            _producers,
            {
                "sc_cat_item_producer": ("sys_id", "active", "roles"),
                "sc_cat_item_user_criteria_mtom": ("sc_cat_item",),
            },
            unless=("sc_cat_item_user_criteria_mtom",),
            repair=("Add roles or user criteria to each record producer.",),
        ),
        scan("Act", "SE10455"),
        why="Anybody who reaches the form can write records with it.",
        impact="People who meet neither stop seeing the form.",
    ),
    _upkeep(
        "D43",
        "certificates_not_about_to_expire",
        "No active certificate ends within thirty days",
        NoRows(
            "active certificates that ended or end within 30 days",
            _certificates,
            {"sys_certificate": ("sys_id", "active", "expires")},
            repair=("Replace each certificate before its last day.",),
        ),
        unrated("ServiceNow Security Center metrics"),
        why="Logins and integrations that rest on it stop, and are then repaired in haste.",
        impact="The other side has to trust the new certificate.",
    ),
    _upkeep(
        "D45",
        "no_requested_scope_privileges",
        "No request for access between applications is open",
        NoRows(
            "requested privileges between applications",
            lambda t: (p := t["sys_scope_privilege"]).filter(p.status.lower() == "requested").select(uid=p.sys_id),
            {"sys_scope_privilege": ("sys_id", "status")},
            repair=("In sys_scope_privilege.list allow or deny each request.",),
        ),
        scan("Act", "SE10248", "SE10466"),
        why="An open request is a decision about access that nobody took.",
        impact="Applications whose request is denied lose that call.",
    ),
    _upkeep(
        "D48",
        "store_applications_current",
        "Applications of the store are up to date",
        NoRows(
            "active store applications with an update",
            lambda t: (
                (a := t["sys_store_app"]).filter(active(a.active), active(a.update_available)).select(uid=a.sys_id)
            ),
            {"sys_store_app": ("sys_id", "active", "update_available")},
            repair=("Under All Available Applications update each, on a sub-production instance first.",),
        ),
        _AUDITOR,
        why="Old versions keep the holes that the new ones close.",
        impact="An update can change how the application behaves.",
    ),
)
