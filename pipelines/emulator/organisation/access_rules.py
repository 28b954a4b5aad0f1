"""Access control rules, their roles, public pages and scripts: as many as a grown instance has, a few of them too open."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.emulator.organisation.clock import DAY, moment
from pipelines.emulator.organisation.configuration import Row, stamped
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.rows import frame
from pipelines.emulator.organisation.streams import Streams, choose, sys_ids

OPERATIONS = ("read", "write", "create", "delete")
NAMED = (
    "incident", "problem", "sys_user", "sys_audit", "sys_properties", "kb_knowledge", "sc_req_item", "change_request",
    "sn_hr_core_case", "sn_customerservice_case", "ast_contract", "cmdb_ci_config_file_tracked", "sys_attachment",
)  # fmt: skip
#: Those of them that the server lists as tables of its own.
SHOWN = frozenset(NAMED[:6]) | {"sys_attachment"}
PUBLIC_PAGES = (
    ("login", True),
    ("welcome", True),
    ("sn_va_web_client_app_embed", False),
    ("terms", True),
    ("kb_view_public", True),
)
CONTAINED = (
    ("admin", "itil"),
    ("admin", "user_admin"),
    ("itil", "snc_platform_rest_api_access"),
    ("admin", "report_admin"),
)


def access_frames(
    population: Population, streams: Streams, roles: Mapping[str, str], start: int
) -> dict[str, pl.DataFrame]:
    """`sys_security_acl` with its roles and the tables that it protects; made by column, for tens of thousands of rules."""
    rng = streams.of("access", "rules")
    count = population.access_rules
    tables = [*NAMED, *(f"u_app_{number:04d}" for number in range(max(4, count // 40)))]
    table = rng.integers(0, len(tables), count)
    field = rng.integers(0, 30, count)
    name = pl.select(
        pl.when(pl.lit(pl.Series(field < 12)))
        .then(pl.lit(pl.Series(tables).gather(table)))
        .otherwise(
            pl.lit(pl.Series([f"{tables[t]}.field_{f}" for t, f in zip(table.tolist(), field.tolist(), strict=True)]))
        )
    ).to_series()
    kind = choose(rng, [0.55, 0.25, 0.1, 0.1], count)
    open_ = rng.random(count) < population.open_rule_share
    scripted = ~open_ & (rng.random(count) < 0.2)
    with_role = ~open_ & (~scripted | (rng.random(count) < 0.5))
    rule_ids = sys_ids(rng, count)
    stamp = moment(start - 600 * DAY)
    rules = frame(
        {
            "sys_id": rule_ids, "name": name, "operation": pl.Series(OPERATIONS).gather(kind), "type": "record",
            "active": _flags(rng.random(count) < 0.97), "admin_overrides": _flags(rng.random(count) < 0.9), "advanced": _flags(scripted),
            "condition": "", "script": pl.select(pl.when(pl.lit(pl.Series(scripted))).then(pl.lit("answer = gs.isLoggedIn();")).otherwise(pl.lit(""))).to_series(),
            "security_attribute": "", "sys_created_on": stamp, "sys_updated_on": stamp, "sys_created_by": "admin", "sys_updated_by": "admin",
        },
        count,
    )  # fmt: skip
    chosen = np.flatnonzero(with_role)
    role_ids = pl.Series([*roles.values(), streams.sys_id("role", "public")])
    public = rng.random(len(chosen)) < population.public_rule_share
    role = np.where(public, len(role_ids) - 1, rng.integers(0, len(roles), len(chosen)))
    links = frame(
        {
            "sys_id": sys_ids(rng, len(chosen)), "sys_security_acl": rule_ids.gather(chosen), "sys_user_role": role_ids.gather(role),
            "sys_created_on": stamp, "sys_updated_on": stamp,
        },
        len(chosen),
    )  # fmt: skip
    listed = [t for t in tables if t not in SHOWN]
    objects = frame(
        {
            "sys_id": [streams.sys_id("object", t) for t in listed], "name": listed, "super_class": "",
            "sys_scope": "global", "access": "public", "ws_access": "true", "sys_created_on": stamp,
        },
        len(listed),
    )  # fmt: skip
    return {"sys_security_acl": rules, "sys_security_acl_role": links, "sys_db_object": objects}


def _flags(on: np.ndarray) -> pl.Series:
    return pl.select(pl.when(pl.lit(pl.Series(on))).then(pl.lit("true")).otherwise(pl.lit("false"))).to_series()


def script_tables(
    population: Population, streams: Streams, roles: Mapping[str, str], start: int
) -> dict[str, list[Row]]:
    """Public pages, contained roles, and code that callers reach."""
    old = stamped(start - 600 * DAY)
    rng = streams.of("access", "scripts")
    includes = [(f"Helper{number:03d}", rng.random() < 0.3, rng.random()) for number in range(population.scripts)]
    apis = [f"api_{number:02d}" for number in range(8)]
    return {
        "sys_user_role": [{"sys_id": streams.sys_id("role", "public"), "name": "public", "description": "Everybody", "elevated_privilege": "false", **old}],
        "sys_public": [{"sys_id": streams.sys_id("public", page), "page": page, "active": str(on).lower(), **old} for page, on in PUBLIC_PAGES],
        "sys_user_role_contains": [
            {"sys_id": streams.sys_id("contains", a, b), "role": roles[a], "contains": roles[b], **old} for a, b in CONTAINED
        ],
        "sys_script_include": [
            {"sys_id": streams.sys_id("include", name), "name": name, "api_name": f"global.{name}", "client_callable": str(callable_).lower(),
             "active": "true", "access": "package_private", "sys_scope": "global",
             "script": "eval(expression)" if lot < population.dynamic_script_share else "var row = new GlideRecordSecure('task');", **old}
            for name, callable_, lot in includes
        ],
        "sys_ui_page": [{"sys_id": streams.sys_id("page", name), "name": name, "endpoint": f"{name}.do", "sys_scope": "global", **old}
                        for name in (*(page for page, _ in PUBLIC_PAGES), "report_home", "hr_dashboard")],
        "sys_processor": [
            {"sys_id": streams.sys_id("processor", name), "name": name, "type": "script", "path": name, "active": "true", "csrf_protect": safe, **old}
            for name, safe in (("ExportFeed", "true"), ("LegacyUpload", "false"))
        ],
        "sys_ws_definition": [{"sys_id": streams.sys_id("api", name), "name": name, "service_id": name, "active": "true", **old} for name in apis],
        "sys_ws_operation": [
            {"sys_id": streams.sys_id("resource", name, method), "name": f"{method} {name}", "web_service_definition": streams.sys_id("api", name),
             "http_method": method, "active": "true", "requires_authentication": str(at != 3).lower(), "requires_acl_authorization": str(at % 4 > 0).lower(),
             "enforce_acl": "", **old}
            for at, name in enumerate(apis) for method in ("GET", "POST")
        ],
        "sys_graphql_schema": [{"sys_id": streams.sys_id("graphql", "portal"), "name": "portal", "active": "true", "requires_authentication": "true",
                                "requires_acl_authorization": "true", **old}],
        "sys_script": [{"sys_id": streams.sys_id("rule", "guests"), "name": "Restrict guest access to knowledge bases", "collection": "kb_knowledge_base",
                        "active": "true", **old}],
        "sys_api_access_policy": [{"sys_id": streams.sys_id("access policy", "rest"), "name": "REST with tokens", "active": "true", "rest_api": "Table API", **old}],
        "sys_scope_privilege": [
            {"sys_id": streams.sys_id("privilege", str(number)), "source_scope": f"u_app_{number:04d}", "target_scope": "global", "target_name": "sys_user",
             "target_type": "sys_db_object", "operation": "read", "status": "requested" if number == 0 else "allowed", **old}
            for number in range(4)
        ],
    }  # fmt: skip
