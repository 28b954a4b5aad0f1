"""Integrations, credentials and upkeep. Secrets, tokens and keys are never among the columns."""

from __future__ import annotations

from pipelines.contracts.raw._fields import CREATED_BY, identifier, reference, text
from pipelines.contracts.raw._posture import asked_by_posture, when

_CREATED_ON = when("sys_created_on", "When the row was written, UTC")
_UPDATED_ON = when("sys_updated_on", "When the row was last changed, UTC")

TABLES = (
    asked_by_posture(
        "oauth_entity",
        "OAuth clients and providers",
        text("name", "Name"),
        text("type", "client, oauth_provider and others"),
        text("active", "true or false"),
        text("access_token_lifespan", "Seconds that an access token lives"),
        text("refresh_token_lifespan", "Seconds that a refresh token lives"),
        text("redirect_url", "Where it sends people back to"),
        reference("user", "Account that client credentials act as"),
        CREATED_BY,
        _CREATED_ON,
        _UPDATED_ON,
    ),
    asked_by_posture(
        "oauth_credential",
        "OAuth tokens, without the tokens",
        text("type", "access_token or refresh_token"),
        reference("peer", "The client"),
        reference("user", "Account that it acts as"),
        when("expires", "When it ends, UTC"),
        _CREATED_ON,
        _UPDATED_ON,
    ),
    asked_by_posture(
        "sys_certificate",
        "Certificates, without keys",
        text("name", "Name"),
        text("type", "Kind of store"),
        text("active", "true or false"),
        when("expires", "When it ends, UTC"),
    ),
    asked_by_posture(
        "discovery_credentials",
        "Stored credentials, without secrets",
        text("name", "Name"),
        text("type", "Kind"),
        text("active", "true or false"),
        text("applies_to", "all, or specific MID servers"),
        text("mid_list", "MID servers that may use it"),
    ),
    asked_by_posture(
        "clone_data_exclude",
        "Tables that a clone leaves out",
        text("table", "Table"),
        identifier("sys_created_by", "User name that wrote the row"),
    ),
    asked_by_posture(
        "sys_store_app",
        "Applications of the store",
        text("name", "Name"),
        text("scope", "Scope"),
        text("active", "true or false"),
        text("version", "Installed version"),
        text("latest_version", "Newest version"),
        text("update_available", "true where there is a newer one"),
    ),
)
