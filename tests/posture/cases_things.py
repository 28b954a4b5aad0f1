"""Good rows and offences of access rules, clients and upkeep: see `cases_people`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.posture.cases_people import ROLES_AND_HOLDERS, Case, Rows, ago, contained, holding
from tests.posture.world import Row

_RULE: Row = {
    "sys_id": "a", "name": "task", "type": "record", "operation": "read", "active": "true", "advanced": "false", "script": "",
    "condition": "", "security_attribute": "",
}  # fmt: skip
_LINK: Row = {"sys_security_acl": "a", "sys_user_role": "id-admin"}


def _rule(**changes: str) -> Rows:
    return {"sys_security_acl": ({**_RULE, **changes},)}


def _asks(role: str) -> Rows:
    return {"sys_security_acl_role": ({**_LINK, "sys_user_role": f"id-{role}"},)}


_RULES: Rows = {**ROLES_AND_HOLDERS, **_rule(), "sys_security_acl_role": (_LINK,)}
_NO_ROLE: Rows = {"sys_security_acl_role": ({**_LINK, "sys_security_acl": "other"},)}
_FILES = "cmdb_ci_config_file_tracked"
_SCRIPT: Row = {
    "sys_id": "s",
    "name": "Helper",
    "api_name": "global.Helper",
    "active": "true",
    "client_callable": "true",
}
_PAGE: Row = {"sys_id": "page", "name": "home"}
_TABLES: Rows = {
    "sys_db_object": (
        {"sys_id": "t1", "name": "task", "super_class": ""},
        {"sys_id": "t2", "name": "incident", "super_class": "t1"},
    )
}

RULES: Mapping[str, Case] = {
    "D21": Case(
        _RULES,
        (_NO_ROLE, {**_NO_ROLE, **_rule(script="answer = true;")}, _asks("public")),
        "a",
        denied="sys_security_acl_role",
        acquitting=("sys_security_acl_role",),
    ),
    "D22": Case(
        {**_RULES, **_TABLES, **_rule(name="task.number")},
        ({"sys_security_acl": ({**_RULE, "name": "change"},)}, _rule(active="false"), _rule(type="ui_page")),
        "t1",
        denied="sys_db_object",
        acquitting=("sys_security_acl",),
    ),
    "D23": Case(
        {**_RULES, "sys_script_include": (_SCRIPT,), **_rule(type="client_callable_script_include", name="global.Helper")},
        (_rule(type="record", name="Helper"), _rule(type="client_callable_script_include", name="Other")),
        "s",
        denied="sys_script_include",
        acquitting=("sys_security_acl",),
    ),
    "D24": Case(
        {**_RULES, "sys_ui_page": (_PAGE,), "sys_public": ({"page": "login", "active": "true"},), **_rule(type="ui_page", name="home")},
        (_rule(), {"sys_public": ({"page": "home", "active": "true"},)}),
        "page",
        denied="sys_public",
        fine=(
            {
                "sys_ui_page": (_PAGE, {"sys_id": "login-page", "name": "login"}),
                "sys_security_acl": tuple({**_RULE, "sys_id": name, "type": "ui_page", "name": name} for name in ("home", "login")),
            },
        ),
        acquitting=("sys_security_acl",),
    ),
    "D39": Case(
        {**_RULES, **_rule(name="sys_audit"), **holding("snc_external")},
        (_NO_ROLE, _asks("public"), _asks("snc_external"), _rule(name="sys_audit_relation"), _rule(name="sys_audit", active="false"),
         {**_asks("snc_internal")}),
        denied="sys_security_acl",
        acquitting=("sys_security_acl_role",),
        doubtful=({**_NO_ROLE, **_rule(name="sys_audit", condition="user=me")},
                  {**_asks("snc_external"), **_rule(name="sys_audit", advanced="true", script="answer = ask();")}),
    ),
    "D49": Case(
        {**_RULES, **_rule(name=_FILES), "sys_db_object": ({"sys_id": "t3", "name": _FILES},)},
        (_NO_ROLE, _asks("itil"), _asks("snc_internal"), _rule(name="cmdb_ci"), {**_asks("sn_hr_core.basic"), **contained("sn_hr_core.basic")}),
        denied="sys_security_acl_role",
        acquitting=("sys_security_acl_role",),
        doubtful=({**_asks("itil"), **_rule(name=_FILES, condition="a=b")},),
        fine=(_asks("admin"), _asks("sn_hr_core.basic")),
    ),
}  # fmt: skip

_RANGE: Row = {"sys_id": "i", "active": "true", "type": "allow", "range_start": "10.0.0.0", "range_end": "10.0.255.255"}
_CLIENT: Row = {
    "sys_id": "o", "type": "client", "active": "true", "access_token_lifespan": "86400", "refresh_token_lifespan": "8640000",
    "redirect_url": "https://app.example/back", "user": "u", "sys_created_on": ago(400),
}  # fmt: skip
_TOKEN: Row = {"sys_id": "k", "peer": "o", "expires": ago(-30), "sys_created_on": ago(80), "sys_updated_on": ago(80)}


def _range(**changes: str) -> Rows:
    return {"ip_access": ({**_RANGE, **changes},)}


def _client(**changes: str) -> Rows:
    return {"oauth_entity": ({**_CLIENT, **changes},)}


def _token(**changes: str) -> Rows:
    return {"oauth_credential": ({**_TOKEN, **changes},)}


def _policies(*names: str) -> Rows:
    return {"sys_api_access_policy": tuple({"sys_id": n, "active": "true", "rest_api": n} for n in names)}


def _counts(**rows: int) -> Rows:
    return {"posture_count": tuple({"question": question, "rows": number} for question, number in rows.items())}


_API: Rows = {"sys_ws_definition": ({"sys_id": "w", "name": "Orders", "service_id": "orders", "active": "true"},)}
_GUESTS: Row = {"sys_id": "g", "name": "Restrict guests", "collection": "kb_knowledge_base", "active": "true"}

CLIENTS: Mapping[str, Case] = {
    "D28": Case(_counts(callable_script_without_secure_api=0), (_counts(callable_script_without_secure_api=2),), denied="posture_count"),
    "D29": Case(
        _counts(script_include_eval=0, script_include_evaluator=0),
        (_counts(script_include_eval=1, script_include_evaluator=0), _counts(script_include_eval=0, script_include_evaluator=1)),
        denied="posture_count",
    ),
    "D34": Case(
        {"sys_script": (_GUESTS,)},
        ({"sys_script": ({**_GUESTS, "active": "false"},)}, {"sys_script": ({**_GUESTS, "collection": "incident"},)}),
        absent="not_compliant",
        denied="sys_script",
    ),
    "D40": Case(
        _range(),
        (_range(range_end="10.1.0.0"), _range(range_start="0.0.0.0", range_end="255.255.255.255")),
        "i",
        absent="compliant",
        denied="ip_access",
        doubtful=(_range(range_start="2001:db8::", range_end="2001:db8::ff"), _range(range_end="9.255.255.255"), _range(range_start="")),
    ),
    "D41": Case(
        {**_API, **_policies("Table API", "ORDERS")},
        (_policies("Table API"), _policies("orders")),
        absent="not_compliant",
        denied="sys_api_access_policy",
        acquitting=("sys_api_access_policy",),
    ),
    "D42": Case(
        {**_client(), **_token()},
        (
            _token(peer="other"), _client(access_token_lifespan="86401"), _client(refresh_token_lifespan=""), _client(access_token_lifespan="0"),
            _client(redirect_url="https://*.example"), _token(expires=""), _token(expires=ago(0), sys_created_on=ago(1), sys_updated_on=ago(90)),
            {"oauth_entity": (_CLIENT, {**_CLIENT, "sys_id": "p"}), "oauth_credential": (_TOKEN, {**_TOKEN, "sys_id": "l", "peer": "p"})},
        ),
        absent="compliant",
        denied="oauth_entity",
        fine=(
            {**_client(sys_created_on=ago(89)), "oauth_credential": ()}, _token(expires=ago(1), sys_created_on=ago(1), sys_updated_on=ago(99)),
            _client(type="oauth_provider", access_token_lifespan="0"), _client(active="false", redirect_url="*"),
        ),
        acquitting=("oauth_credential",),
    ),
    "D44": Case(
        {"discovery_credentials": ({"sys_id": "d", "active": "true", "applies_to": "specific", "mid_list": "m"},)},
        tuple({"discovery_credentials": ({"sys_id": "d", "active": "true", "applies_to": a, "mid_list": m},)}
              for a, m in (("all", "m"), ("specific", ""))),
        "d",
        absent="compliant",
        denied="discovery_credentials",
    ),
    "D46": Case(
        {"sys_db_object": ({"sys_id": "t4", "name": "sn_hr_core_case"},), "clone_data_exclude": ({"table": "sn_hr_core_case"},)},
        ({"clone_data_exclude": ({"table": "incident"},)},),
        "t4",
        denied="clone_data_exclude",
        acquitting=("clone_data_exclude",),
    ),
    "D47": Case(
        {"sys_dictionary": ({"sys_id": "f", "active": "true", "attributes": "html_sanitize=true"},)},
        ({"sys_dictionary": ({"sys_id": "f", "active": "true", "attributes": "x, HTML_Sanitize = false"},)},),
        "f",
        denied="sys_dictionary",
    ),
}  # fmt: skip
