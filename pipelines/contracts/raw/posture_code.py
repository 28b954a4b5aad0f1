"""Code that callers reach: scripts, pages, processors, web services. Never its text: that is asked for by counts."""

from __future__ import annotations

from pipelines.contracts.raw._fields import reference, text
from pipelines.contracts.raw._posture import asked_by_posture

TABLES = (
    asked_by_posture(
        "sys_script_include",
        "Script includes",
        text("name", "Name"),
        text("api_name", "Name with the scope, as access control rules say it"),
        text("client_callable", "true where a browser may call it"),
        text("active", "true or false"),
        text("access", "public, or package_private"),
        reference("sys_scope", "Application that owns it"),
    ),
    asked_by_posture(
        "sys_ui_page",
        "UI pages",
        text("name", "Name"),
        text("endpoint", "Address"),
        reference("sys_scope", "Application"),
    ),
    asked_by_posture(
        "sys_processor",
        "Processors",
        text("name", "Name"),
        text("type", "script or class"),
        text("path", "Address"),
        text("active", "true or false"),
        text("csrf_protect", "true where a token against forged requests is asked for"),
    ),
    asked_by_posture(
        "sys_ws_definition",
        "Scripted REST APIs",
        text("name", "Name"),
        text("service_id", "Name in its address"),
        text("active", "true or false"),
        text("enforce_acl", "Access control rules that it enforces"),
    ),
    asked_by_posture(
        "sys_ws_operation",
        "Resources of scripted REST APIs",
        text("name", "Name"),
        reference("web_service_definition", "The API"),
        text("http_method", "Method"),
        text("active", "true or false"),
        text("requires_authentication", "true where the caller must log in"),
        text("requires_acl_authorization", "true where access control rules decide"),
        text("enforce_acl", "Access control rules that it enforces"),
    ),
    asked_by_posture(
        "sys_graphql_schema",
        "GraphQL schemas",
        text("name", "Name"),
        text("active", "true or false"),
        text("requires_authentication", "true where the caller must log in"),
        text("requires_acl_authorization", "true where access control rules decide"),
    ),
    asked_by_posture(
        "sys_script",
        "Business rules of knowledge bases",
        text("name", "Name"),
        text("collection", "Table"),
        text("active", "true or false"),
        query="collectionINkb_knowledge_base,kb_knowledge",
    ),
)
