"""What Airflow needs to know of us: two connection types with forms. Imports no Airflow: it is a dictionary.

Drawing a form does not import the hook, so the API server needs none of our libraries. Every secret field's name holds
`secret` or `token`: Airflow masks extras by name only.
"""

from __future__ import annotations

from typing import Any


def _field(label: str, kind: str | list[str], description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "schema": {"type": kind, **schema}, "description": description}


SERVICENOW: dict[str, Any] = {
    "connection-type": "servicenow",
    "hook-class-name": "pipelines.airflow_provider.ServiceNowHook",
    "hook-name": "ServiceNow",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port"],
        "relabeling": {"host": "Instance URL", "login": "Service account", "password": "Password"},
        "placeholders": {
            "host": "https://acme.service-now.com",
            "login": "nowguard.collector",
            "password": "not needed after `nowguard connect`",
        },
    },
    "conn-fields": {
        "auth": _field(
            "OAuth grant",
            "string",
            "basic is for releases before Fuji",
            enum=["oauth_password", "oauth_client_credentials", "basic"],
            default="oauth_password",
        ),
        "client_id": _field("Client id", ["string", "null"], "Application Registry: Client ID"),
        "client_secret": _field("Client secret", ["string", "null"], "Application Registry", format="password"),
        "refresh_token": _field("Refresh token", ["string", "null"], "Instead of a password", format="password"),
        "instance_name": _field(
            "Short name", ["string", "null"], "The instance column; default: first label of the host"
        ),
        "ca_bundle": _field("CA bundle", ["string", "null"], "Path of a PEM file, for a private authority"),
        "workers": _field("Parallel readers", ["integer", "null"], "At most four", minimum=1, maximum=4),
    },
}

ENTRA: dict[str, Any] = {
    "connection-type": "entra",
    "hook-class-name": "pipelines.airflow_provider.EntraHook",
    "hook-name": "Entra ID",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port"],
        "relabeling": {"host": "Authority", "login": "Application (client) id", "password": "Client secret"},
        "placeholders": {"host": "https://login.microsoftonline.com", "login": "", "password": ""},
    },
    "conn-fields": {
        "tenant_id": _field("Tenant id", "string", "Directory (tenant) id"),
        "graph_url": _field("Graph URL", ["string", "null"], "Sovereign clouds; includes /v1.0"),
    },
}


def provider_info() -> dict[str, Any]:
    """The entry point `apache_airflow_provider`."""
    return {
        "package-name": "nowguard",
        "name": "nowguard",
        "description": "Security analytics for a ServiceNow instance.",
        "connection-types": [SERVICENOW, ENTRA],
    }


class ServiceNowHook:
    """Named by the connection type. The work is done by `pipelines.sources.servicenow`; `nowguard check` tests it."""

    conn_name_attr = "servicenow_conn_id"
    default_conn_name = "servicenow_default"
    conn_type = "servicenow"
    hook_name = "ServiceNow"


class EntraHook:
    """Named by the connection type of the identity provider."""

    conn_name_attr = "entra_conn_id"
    default_conn_name = "entra_default"
    conn_type = "entra"
    hook_name = "Entra ID"


def servicenow_settings(connection: Any) -> dict[str, Any]:
    """An Airflow Connection of type `servicenow` as settings (names of `pipelines.settings.Settings`)."""
    extra = connection.extra_dejson
    found = {
        "instance_url": connection.host,
        "username": connection.login,
        "password": connection.password,
        **{key: extra.get(key) for key in SERVICENOW["conn-fields"]},
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def entra_settings(connection: Any) -> dict[str, Any]:
    """An Airflow Connection of type `entra` as settings."""
    extra = connection.extra_dejson
    found = {
        "entra_authority": connection.host,
        "entra_client_id": connection.login,
        "entra_client_secret": connection.password,
        "entra_tenant_id": extra.get("tenant_id"),
        "graph_url": extra.get("graph_url"),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}
