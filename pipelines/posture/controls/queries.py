"""Endpoints: scripts that clients call, and queries that tell what they should not (90-97)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Every, Property
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category, Release
from pipelines.posture.values import FALSE, TRUE, Holds

_setting = partial(setting, Category.ENDPOINTS)

_FUNCTIONS = tuple(f"glidefunction:{name}" for name in ("position", "substring", "concat", "coalesce", "length"))

CONTROLS = (
    _setting(
        "90",
        "script_includes_private_by_default",
        "Script includes that clients call are private unless they say otherwise",
        Property("glide.script.ccsi.ispublic", FALSE, absent="false"),
        7.5,
        "sc-privacy-on-client-callable-script-includes",
        why="Every one that says nothing would answer guests.",
        impact="Public pages that call such a script include stop working until it is marked public.",
        irreversible=True,
    ),
    _setting(
        "91",
        "client_queries_check_acls",
        "Records that client scripts read are checked against access controls",
        Property("glide.script.secure.ajaxgliderecord", TRUE, absent="true"),
        8.1,
        "sc-enabling-ajaxgliderecord-acl-checking",
        why="Otherwise the browser's console reads any table.",
        impact="Client scripts see what the person may see, and no more.",
        irreversible=True,
    ),
    _setting(
        "92",
        "client_script_evaluation_disabled",
        "The server runs no script that a client sends",
        Property("glide.script.allow.ajaxevaluate", FALSE, absent="false"),
        7.3,
        "sc-disable-ajaxevaluate",
        why="The sandbox around such scripts has been left before.",
        impact="Old customizations that send script to the server fail.",
        irreversible=True,
    ),
    _setting(
        "93",
        "unsanitized_messages_disallowed",
        "Scripts in the sandbox show sanitized messages only",
        Property("glide.sandbox.usersession.allow_unsanitized_messages", FALSE, absent="true", ships="true"),
        8.1,
        "sc-access-glidesystemusersession-scriptable-api",
        why="A link could show a message whose code runs in the reader's browser.",
        impact="Messages with markup of their own show it as text.",
        irreversible=True,
    ),
    _setting(
        "94",
        "query_field_acls_enforced",
        "A query may only name fields that the person may read",
        Property("glide.export.query.enforce_field_acl", TRUE, absent="false"),
        4.4,
        "sc-enforce-field-acls-for-inbound-query-requests",
        why="Filtering by a hidden field tells its value, guess by guess.",
        impact="Queries that name a field without read access are refused.",
    ),
    _setting(
        "95",
        "query_function_acls_checked",
        "Functions in queries are checked against query access controls",
        Every(
            (
                Property("glide.db.encoded_query.check_function_field_query_acls", TRUE, absent="true", ships="true"),
                Property(
                    "glide.db.encoded_query.force_query_range_on_functions",
                    Holds(_FUNCTIONS),
                    absent=",".join(_FUNCTIONS),
                    ships=",".join(_FUNCTIONS),
                ),
            )
        ),
        5.3,
        "validate-query-acls-on-glide-db-functions",
        why="Position, length and the like read a hidden field letter by letter.",
        impact="Function fields over protected fields come back empty.",
        release=Release(since=7.0),
    ),
    _setting(
        "96",
        "list_query_acls_enforced",
        "Lists, counts and widgets are checked against query access controls",
        Every(
            (
                Property("com.glide.security.query_acl.enabled.sub_lists", TRUE, absent="true", ships="true"),
                Property("com.glide.security.query_acl.enabled.list_count", TRUE, absent="true", ships="true"),
                Property("glide.security.query_acl.enabled.data_table", TRUE, absent="true", ships="true"),
            )
        ),
        5.3,
        "sc-enforce-query-acls-for-sublists-list-counts-and-widget-data-tables",
        why="The number of rows tells whether a hidden value was guessed.",
        impact="Lists and counts leave out what the person may not filter by.",
    ),
    _setting(
        "97",
        "group_by_acls_enforced",
        "Grouping is checked against access controls",
        Property("glide.security.groupby_acl_check", TRUE, ships="true"),
        3.7,
        "sc-enforce-groupby-acls",
        why="The groups of a list are the values of the field.",
        impact="A list cannot be grouped by a field that the person may not read.",
    ),
)
