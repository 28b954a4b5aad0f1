"""The dictionary: tables, their columns and what they hold. A column that is not named here is plain text.

Types: string, integer, boolean, choice, glide_date_time, glide_date, due_date, password, journal, reference:<table>.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AUDIT = ("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count")
_DATES = (
    "sys_created_on",
    "sys_updated_on",
    "last_login_time",
    "opened_at",
    "closed_at",
    "processed",
    "process_on",
)


@dataclass(frozen=True)
class TableSchema:
    """One table: all its columns in order, the types of those that are not strings, and who it is shown as."""

    name: str
    columns: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)
    display: str = "name"  # the column that stands for a row in a reference
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # column -> value -> label
    rotation_days: int | None = None
    is_audited: bool = False
    prefix: str = ""  # of generated numbers

    def type_of(self, column: str) -> str:
        if column in self.types:
            return self.types[column]
        if column in _DATES:
            return "glide_date_time"
        return {"sys_mod_count": "integer", "due_date": "due_date"}.get(column, "string")

    def reference(self, column: str) -> str | None:
        kind = self.type_of(column)
        return kind.removeprefix("reference:") if kind.startswith("reference:") else None


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _ref(**columns: str) -> dict[str, str]:
    return {column: f"reference:{table}" for column, table in columns.items()}


def _typed(kind: str, columns: str) -> dict[str, str]:
    return dict.fromkeys(columns.split(), kind)


_PROBLEM_STATES = {
    "101": "New",
    "102": "Assess",
    "103": "Root Cause Analysis",
    "104": "Fix in Progress",
    "106": "Resolved",
    "107": "Closed",
}
_INCIDENT_STATES = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}
_PRIORITIES = {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"}

_TABLES = (
    TableSchema(
        "sysevent",
        _words("name parm1 parm2 table instance user_id user_name uri queue state processed process_on processing_duration claimed_by") + AUDIT,
        rotation_days=7, display="name",
    ),
    TableSchema(
        "syslog_transaction",
        _words("""url type remote_ip user_agent session response_time sql_count sql_time business_rule_count business_rule_time
        network_time client_response_time output_length
        client_transaction system_id gzip protocol transaction_pattern app_scope status""") + AUDIT,
        _typed("integer", "response_time sql_count sql_time business_rule_count business_rule_time network_time client_response_time output_length"), rotation_days=56, display="url",
    ),
    TableSchema("syslog", _words("level message source sequence") + AUDIT, display="message"),
    TableSchema("sys_audit", _words("tablename fieldname documentkey oldvalue newvalue user reason record_checkpoint internal_checkpoint")
                + AUDIT[:3], display="tablename"),
    TableSchema("sys_audit_delete", _words("tablename documentkey display_value payload") + AUDIT[:3], display="display_value"),
    TableSchema("sys_audit_role", _words("user role operation changed_by granted_by_group count") + AUDIT,
                _ref(user="sys_user", role="sys_user_role", changed_by="sys_user", granted_by_group="sys_user_group"), display="operation"),
    TableSchema(
        "sys_attachment",
        _words("""file_name content_type size_bytes size_compressed compressed table_name table_sys_id hash state chunk_size_bytes
        image_height image_width average_image_color encryption_context sys_tags""") + AUDIT,
        {**_typed("integer", "size_bytes size_compressed chunk_size_bytes"), "compressed": "boolean"}, display="file_name",
    ),
    TableSchema("sys_email", _words("""type state mailbox recipients direct copied blind_copied subject body content_type importance
        target_table instance user user_id uid message_id notification_type""") + AUDIT, _ref(user_id="sys_user"), display="subject"),
    TableSchema(
        "sys_user",
        _words("""user_name name first_name last_name email active locked_out failed_attempts last_login last_login_time last_login_device
        web_service_access_only internal_integration_user enable_multifactor_authn password_needs_reset vip source title department company
        location country city manager time_zone date_format preferred_language roles mobile_phone phone user_password sys_class_name sys_domain""") + AUDIT,
        {**_typed("boolean", "active locked_out web_service_access_only internal_integration_user enable_multifactor_authn password_needs_reset vip"),
         **_ref(department="cmn_department", company="core_company", location="cmn_location", manager="sys_user"),
         "failed_attempts": "integer", "last_login": "glide_date", "user_password": "password"},
        is_audited=True,
    ),
    TableSchema("sys_user_has_role", _words("user role granted_by included_in_role inherited inh_count state") + AUDIT,
                {**_ref(user="sys_user", role="sys_user_role", granted_by="sys_user_group"), "inherited": "boolean"}, display="sys_id"),
    TableSchema("sys_user_role", _words("name description elevated_privilege assignable_by grantable includes_roles") + AUDIT,
                _typed("boolean", "elevated_privilege grantable")),
    TableSchema("sys_user_role_contains", _words("role contains") + AUDIT, _ref(role="sys_user_role", contains="sys_user_role"), display="sys_id"),
    TableSchema("sys_user_group", _words("name active manager parent description email") + AUDIT,
                {**_ref(manager="sys_user", parent="sys_user_group"), "active": "boolean"}),
    TableSchema("sys_user_grmember", _words("user group") + AUDIT, _ref(user="sys_user", group="sys_user_group"), display="sys_id"),
    TableSchema("sys_group_has_role", _words("group role inherits granted_by") + AUDIT,
                {**_ref(group="sys_user_group", role="sys_user_role"), "inherits": "boolean"}, display="sys_id"),
    TableSchema("sys_properties", _words("name value type description private") + AUDIT, {"private": "boolean"}),
    TableSchema("v_plugin", ("sys_id", *_words("id name active version"))),
    TableSchema("sys_plugins", _words("source name active version") + AUDIT, {"active": "boolean"}),
    TableSchema("cmn_department", _words("name id dept_head head_count") + AUDIT, _ref(dept_head="sys_user")),
    TableSchema("core_company", _words("name") + AUDIT),
    TableSchema("cmn_location", _words("name country city latitude longitude time_zone") + AUDIT),
    TableSchema(
        "incident",
        _words("""number short_description description caller_id opened_by assigned_to assignment_group opened_at closed_at state active priority
        impact urgency category comments work_notes due_date sys_class_name""") + AUDIT,
        {**_ref(caller_id="sys_user", opened_by="sys_user", assigned_to="sys_user", assignment_group="sys_user_group"), "active": "boolean",
         "state": "choice", "priority": "choice", "comments": "journal", "work_notes": "journal"},
        display="number", choices={"state": _INCIDENT_STATES, "priority": _PRIORITIES}, is_audited=True, prefix="INC",
    ),
    TableSchema(
        "problem",
        _words("""number short_description description opened_by assigned_to assignment_group opened_at closed_at state active priority impact
        urgency known_error major_problem comments work_notes sys_class_name""") + AUDIT,
        {**_ref(opened_by="sys_user", assigned_to="sys_user", assignment_group="sys_user_group"), **_typed("boolean", "active known_error major_problem"),
         "state": "choice", "priority": "choice", "impact": "choice", "urgency": "choice", "comments": "journal", "work_notes": "journal"},
        display="number", is_audited=True, prefix="PRB",
        choices={"state": _PROBLEM_STATES, "priority": _PRIORITIES, "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
                 "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}},
    ),
    TableSchema("sys_script", _words("""name collection when order active action_insert action_update action_delete abort_action filter_condition
        condition script add_message message sys_class_name""") + AUDIT,
                _typed("boolean", "active action_insert action_update action_delete abort_action add_message")),
    TableSchema("sys_db_object", _words("name label super_class sys_scope access ws_access") + AUDIT, _ref(super_class="sys_db_object")),
    TableSchema("sys_dictionary", _words("name element internal_type column_label max_length reference mandatory active read_only display attributes") + AUDIT,
                _typed("boolean", "mandatory active read_only display"), display="element"),
    TableSchema("sys_choice", _words("name element value label inactive language") + AUDIT, {"inactive": "boolean"}, display="label"),
    TableSchema("sys_metadata", _words("sys_name sys_class_name sys_scope sys_policy sys_package") + AUDIT, display="sys_name"),
    TableSchema("isc_export_event", _words("user user_name table records size classification event sys_class_name") + AUDIT[:3],
                {**_ref(user="sys_user"), **_typed("integer", "records size")}, display="table"),
)  # fmt: skip

#: What an administrator configures. Names of tables and columns are common knowledge of the platform, not documented ones.
_CONFIGURATION = (
    TableSchema("sys_security_acl", _words("name operation type active admin_overrides advanced condition script security_attribute") + AUDIT,
                _typed("boolean", "active admin_overrides advanced")),
    TableSchema("sys_security_acl_role", _words("sys_security_acl sys_user_role") + AUDIT,
                _ref(sys_security_acl="sys_security_acl", sys_user_role="sys_user_role"), display="sys_id"),
    TableSchema("sys_public", _words("page active") + AUDIT, {"active": "boolean"}, display="page"),
    TableSchema("sys_scope_privilege", _words("source_scope target_scope target_name target_type operation status") + AUDIT, display="target_name"),
    TableSchema("sys_api_access_policy", _words("name active rest_api") + AUDIT, {"active": "boolean"}),
    TableSchema("ip_access", _words("active type direction range_start range_end description") + AUDIT, {"active": "boolean"}, display="range_start"),
    TableSchema("multi_factor_criteria", _words("name active") + AUDIT, {"active": "boolean"}),
    TableSchema("sys_authentication_policy", _words("name active") + AUDIT, {"active": "boolean"}),
    TableSchema("user_multifactor_auth", _words("user validated multifactor_secret") + AUDIT,
                {**_ref(user="sys_user"), "validated": "boolean", "multifactor_secret": "password"}, display="sys_id"),
    TableSchema("password_policy", _words("name min_password_length max_password_length") + AUDIT, _typed("integer", "min_password_length max_password_length")),
    TableSchema("pwd_cred_store", _words("name enable_password_policy password_policy") + AUDIT,
                {**_ref(password_policy="password_policy"), "enable_password_policy": "boolean"}),  # noqa: S106  # a table's name
    TableSchema("blacklisted_password", _words("password") + AUDIT, display="sys_id"),
    TableSchema("sysevent_script_action", _words("name event_name active") + AUDIT, {"active": "boolean"}),
    TableSchema("sys_script_include", _words("name api_name client_callable active access sys_scope script") + AUDIT, _typed("boolean", "client_callable active")),
    TableSchema("sys_ui_page", _words("name endpoint sys_scope html") + AUDIT),
    TableSchema("sys_processor", _words("name type path active csrf_protect") + AUDIT, _typed("boolean", "active csrf_protect")),
    TableSchema("sys_ws_definition", _words("name service_id active enforce_acl") + AUDIT, {"active": "boolean"}),
    TableSchema("sys_ws_operation", _words("name web_service_definition http_method active requires_authentication requires_acl_authorization enforce_acl") + AUDIT,
                {**_ref(web_service_definition="sys_ws_definition"), **_typed("boolean", "active requires_authentication requires_acl_authorization")}),
    TableSchema("sys_graphql_schema", _words("name active requires_authentication requires_acl_authorization") + AUDIT,
                _typed("boolean", "active requires_authentication requires_acl_authorization")),
    TableSchema("kb_knowledge_base", _words("title active") + AUDIT, {"active": "boolean"}, display="title"),
    TableSchema("kb_uc_can_read_mtom", _words("kb_knowledge_base user_criteria") + AUDIT,
                _ref(kb_knowledge_base="kb_knowledge_base", user_criteria="user_criteria"), display="sys_id"),
    TableSchema("kb_uc_can_contribute_mtom", _words("kb_knowledge_base user_criteria") + AUDIT,
                _ref(kb_knowledge_base="kb_knowledge_base", user_criteria="user_criteria"), display="sys_id"),
    TableSchema("user_criteria", _words("name active advanced role user group") + AUDIT, _typed("boolean", "active advanced")),
    TableSchema("kb_knowledge", _words("number short_description text kb_knowledge_base workflow_state roles can_read_user_criteria flagged valid_to") + AUDIT,
                {**_ref(kb_knowledge_base="kb_knowledge_base"), "flagged": "boolean", "valid_to": "glide_date", "text": "html"}, display="number", prefix="KB"),
    TableSchema("sp_page", _words("id title public roles") + AUDIT, {"public": "boolean"}, display="id"),
    TableSchema("sp_widget", _words("id name public roles") + AUDIT, {"public": "boolean"}),
    TableSchema("sys_report", _words("title table user roles is_published") + AUDIT, {"is_published": "boolean"}, display="title"),
    TableSchema("sc_cat_item_producer", _words("name active roles table_name") + AUDIT, {"active": "boolean"}),
    TableSchema("sc_cat_item_user_criteria_mtom", _words("sc_cat_item user_criteria") + AUDIT, _ref(user_criteria="user_criteria"), display="sys_id"),
    TableSchema("oauth_entity", _words("name type active client_id client_secret access_token_lifespan refresh_token_lifespan redirect_url user") + AUDIT,
                {**_ref(user="sys_user"), **_typed("integer", "access_token_lifespan refresh_token_lifespan"), "active": "boolean", "client_secret": "password"}),
    TableSchema("oauth_credential", _words("type peer user expires token") + AUDIT,
                {**_ref(peer="oauth_entity", user="sys_user"), "expires": "glide_date_time", "token": "password"}, display="sys_id"),
    TableSchema("sys_certificate", _words("name type active expires pem_certificate") + AUDIT, {"active": "boolean", "expires": "glide_date_time"}),
    TableSchema("discovery_credentials", _words("name type active applies_to mid_list password") + AUDIT, {"active": "boolean", "password": "password"}),
    TableSchema("clone_data_exclude", _words("table") + AUDIT, display="table"),
    TableSchema("sys_store_app", _words("name scope active version latest_version update_available") + AUDIT, _typed("boolean", "active update_available")),
)  # fmt: skip

SCHEMA: dict[str, TableSchema] = {t.name: t for t in (*_TABLES, *_CONFIGURATION)}

#: Columns that came with a release: (table, column) -> release.
COLUMNS_SINCE = {("syslog_transaction", "status"): "australia", ("sys_security_acl", "security_attribute"): "vancouver"}

#: Tables that came with a release: table -> release. Common knowledge; no page states it.
TABLES_SINCE = {
    "sys_authentication_policy": "quebec",
    "sys_graphql_schema": "paris",
    "sys_api_access_policy": "tokyo",
    "user_multifactor_auth": "helsinki",
    "multi_factor_criteria": "helsinki",
}

#: Tables that a plugin brings: where an organisation has no rows of them, they do not exist.
PLUGIN_TABLES = frozenset({"isc_export_event"})


def schema_for(name: str, columns: tuple[str, ...]) -> TableSchema:
    """The dictionary's table with any further columns of the data, or a plain table of text."""
    known = SCHEMA.get(name)
    if known is None:
        return TableSchema(name, columns, display="name" if "name" in columns else "sys_id")
    more = tuple(c for c in columns if c not in known.columns)
    return TableSchema(
        name,
        known.columns + more,
        known.types,
        known.display,
        known.choices,
        known.rotation_days,
        known.is_audited,
        known.prefix,
    )
