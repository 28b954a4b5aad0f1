"""What guests or everybody may reach, and what integrations hold: knowledge, portal, reports, forms, OAuth, certificates."""

from __future__ import annotations

from pipelines.emulator.organisation.clock import DAY, moment
from pipelines.emulator.organisation.configuration import Row, stamped
from pipelines.emulator.organisation.people import People
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.records import Records
from pipelines.emulator.organisation.streams import Streams

BASES = (("IT", True), ("HR", True), ("Customers", True), ("Old intranet", False))
CLIENTS = (
    ("Nowguard", "3600", "8640000", ""),
    ("Monitoring", "1800", "8640000", ""),
    ("Legacy portal", "31536000", "315360000", "https://*.example"),
)
CERTIFICATES = (("SAML signing", 400), ("LDAP authority", 20), ("Mail relay", -30))


def published_tables(
    population: Population, streams: Streams, people: People, records: Records, start: int
) -> dict[str, list[Row]]:
    """Content by table. Four knowledge bases, one of them without criteria."""
    old = stamped(start - 400 * DAY)
    employees = streams.sys_id("criteria", "employees")
    rng = streams.of("published", "content")
    first, count = records.first["kb_knowledge"], records.count["kb_knowledge"]
    base = rng.integers(0, len(BASES), count).tolist()
    articles = zip(
        records.sys_id.slice(first, count).to_list(), records.number[first : first + count], base, strict=True
    )
    return {
        "kb_knowledge_base": [{"sys_id": streams.sys_id("base", name), "title": name, "active": "true", **old} for name, _ in BASES],
        "user_criteria": [{"sys_id": employees, "name": "Employees", "active": "true", "advanced": "false", "role": "snc_internal", **old}],
        **{
            table: [
                {"sys_id": streams.sys_id(table, name), "kb_knowledge_base": streams.sys_id("base", name), "user_criteria": employees, **old}
                for name, has_criteria in BASES if has_criteria
            ]
            for table in ("kb_uc_can_read_mtom", "kb_uc_can_contribute_mtom")
        },
        "kb_knowledge": [
            {"sys_id": sys_id, "number": number, "short_description": "How to", "kb_knowledge_base": streams.sys_id("base", BASES[at][0]),
             "workflow_state": "published", "roles": "", "can_read_user_criteria": employees, "flagged": "false",
             "valid_to": moment(start + 300 * DAY)[:10], **old}
            for sys_id, number, at in articles
        ],
        "sp_page": [{"sys_id": streams.sys_id("portal page", name), "id": name, "title": name, "public": str(public).lower(), "roles": roles, **old}
                    for name, public, roles in (("landing", True, ""), ("my_requests", False, "snc_internal"), ("open_catalogue", True, ""))],
        "sp_widget": [{"sys_id": streams.sys_id("widget", name), "id": name, "name": name, "public": str(public).lower(), "roles": "", **old}
                      for name, public in (("simple_list", False), ("login", True), ("kb_search", True))],
        "sys_report": [
            {"sys_id": streams.sys_id("report", str(at)), "title": f"Report {at}", "table": "incident", "user": "GLOBAL" if at % 5 else "",
             "roles": "itil" if at % 7 else "retired_role", "is_published": str(at in (3, 11)).lower(), **old}
            for at in range(30)
        ],
        "sc_cat_item_producer": [
            {"sys_id": streams.sys_id("producer", name), "name": name, "active": "true", "roles": roles, "table_name": "incident", **old}
            for name, roles in (("Report an issue", "snc_internal"), ("Contact us", ""))
        ],
        "sc_cat_item_user_criteria_mtom": [],
    }  # fmt: skip


def integration_tables(population: Population, streams: Streams, people: People, start: int) -> dict[str, list[Row]]:
    """OAuth clients and tokens, certificates, credentials, clone exclusions, store applications."""
    old = stamped(start - 300 * DAY)
    tokens = [
        (name, kind, at)
        for name, _, _, _ in CLIENTS
        for kind in ("access_token", "refresh_token")
        for at in range(population.tokens_a_client)
    ]
    return {
        "oauth_entity": [
            {"sys_id": streams.sys_id("oauth entity", name), "name": name, "type": "client", "active": "true", "client_id": streams.sys_id("client", name),
             "client_secret": "stored", "access_token_lifespan": access, "refresh_token_lifespan": refresh, "redirect_url": url, **old}
            for name, access, refresh, url in CLIENTS
        ],
        "oauth_credential": [
            {"sys_id": streams.sys_id("token", name, kind, str(at)), "type": kind, "peer": streams.sys_id("oauth entity", name),
             "user": people.sys_id[at % len(people)], "token": "stored",
             "expires": moment(start + (at * 20 - 100) * DAY), **stamped(start - (120 + at) * DAY)}
            for name, kind, at in tokens
        ],
        "sys_certificate": [
            {"sys_id": streams.sys_id("certificate", name), "name": name, "type": "trust_store", "active": "true",
             "expires": moment(start + days * DAY), "pem_certificate": "stored", **old}
            for name, days in CERTIFICATES
        ],
        "discovery_credentials": [
            {"sys_id": streams.sys_id("credential", name), "name": name, "type": kind, "active": "true", "applies_to": applies, "mid_list": mid,
             "password": "stored", **old}
            for name, kind, applies, mid in (("Linux scan", "ssh_password", "specific", "mid.rotterdam"), ("Old database", "jdbc", "", ""))
        ],
        "clone_data_exclude": [{"sys_id": streams.sys_id("exclude", name), "table": name, **old} for name in ("sys_email", "sn_hr_core_case")],
        "sys_store_app": [
            {"sys_id": streams.sys_id("app", name), "name": name, "scope": scope, "active": "true", "version": version, "latest_version": latest,
             "update_available": str(version != latest).lower(), **old}
            for name, scope, version, latest in (("Security Center", "sn_vsc", "1.5.0", "1.5.2"), ("HR Core", "sn_hr_core", "28.0.1", "28.0.1"))
        ],
    }  # fmt: skip
