"""Access control: rules, the roles they ask for, what is public, and how roles reach people."""

from __future__ import annotations

from pipelines.contracts.raw._fields import content, identifier, reference, text
from pipelines.contracts.raw._posture import asked_by_posture, when

TABLES = (
    asked_by_posture(
        "sys_security_acl",
        "Access control rules",
        text("name", "What it protects: table, table.column, or the name of a page or script"),
        text("operation", "read, write, create, delete, execute and others"),
        text("type", "record, ui_page, rest_endpoint, client_callable_script_include and others"),
        text("active", "true or false"),
        text("admin_overrides", "true where administrators pass anyway"),
        text("advanced", "true where its script decides too"),
        content("condition", "Encoded query that the record must meet"),
        content("script", "Script that decides"),
        text("security_attribute", "Attribute of the session that it asks for"),
    ),
    asked_by_posture(
        "sys_security_acl_role",
        "Roles that access control rules ask for",
        reference("sys_security_acl", "The rule"),
        reference("sys_user_role", "The role"),
    ),
    asked_by_posture(
        "sys_user_role_contains",
        "Roles contained in roles",
        reference("role", "The role that contains"),
        reference("contains", "The role that is contained"),
    ),
    asked_by_posture(
        "sys_group_has_role",
        "Roles that come with groups",
        reference("group", "The group"),
        reference("role", "The role"),
        text("inherits", "true where members inherit it"),
    ),
    asked_by_posture(
        "sys_public", "Pages that nobody needs to log in for", text("page", "Page"), text("active", "true or false")
    ),
    asked_by_posture(
        "sys_db_object",
        "Tables of the instance",
        text("name", "Name of the table"),
        reference("super_class", "Table that it extends"),
        reference("sys_scope", "Application that owns it"),
        text("access", "public, or package_private where other applications may not use it"),
        text("ws_access", "true where web services may use it"),
    ),
    asked_by_posture(
        "sys_dictionary",
        "HTML columns of the instance",
        text("name", "Table"),
        text("element", "Column"),
        text("internal_type", "Type"),
        text("attributes", "Attributes, among them html_sanitize"),
        text("active", "true or false"),
        query="internal_typeINhtml,translated_html",
    ),
    asked_by_posture(
        "sys_scope_privilege",
        "Access between applications",
        reference("source_scope", "Application that asks"),
        reference("target_scope", "Application that owns"),
        text("target_name", "What is asked for"),
        text("target_type", "Kind of it"),
        text("operation", "read, write, execute and others"),
        text("status", "requested, allowed or denied"),
    ),
    asked_by_posture(
        "sys_api_access_policy",
        "Access policies of APIs",
        text("name", "Name"),
        text("active", "true or false"),
        text("rest_api", "API that it covers"),
    ),
    asked_by_posture(
        "ip_access",
        "Address ranges that may or may not reach the instance",
        text("active", "true or false"),
        text("type", "allow or deny"),
        text("direction", "inbound, outbound or both"),
        identifier("range_start", "First address"),
        identifier("range_end", "Last address"),
        when("sys_updated_on", "When the row was last changed, UTC"),
    ),
)
