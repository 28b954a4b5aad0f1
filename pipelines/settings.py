"""Every setting, its meaning, default and origin: the only reader of the environment and of `nowguard.toml`.

Precedence: command-line flag, environment variable, Airflow Connection, `nowguard.toml`, default. An unknown key is an
error with a suggestion; a secret is a `SecretStr` and prints as stars.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from pipelines.errors import UsageError

PREFIX = "NOWGUARD_"
FILE_NAME = "nowguard.toml"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Auth = Literal["oauth_password", "oauth_client_credentials", "basic"]


class Settings(BaseModel):
    """One instance and how it is read, judged and published."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: Path = Field(Path("data"), description="Root of the lake, the warehouse and all state")
    instance_url: str = Field("", description="https://<name>.service-now.com; plain http only for loopback")
    instance_name: str = Field(
        "", description="Short name used as the instance column; default: first label of the host"
    )
    auth: Auth = Field("oauth_password", description="oauth_password, oauth_client_credentials or basic (before Fuji)")
    username: str = Field("", description="Account that reads the instance")
    password: SecretStr | None = Field(None, description="Its password; not needed after `nowguard connect`")
    client_id: str = Field("", description="OAuth client id (Application Registry)")
    client_secret: SecretStr | None = Field(None, description="OAuth client secret")
    refresh_token: SecretStr | None = Field(None, description="Refresh token, where a vault keeps it")
    ca_bundle: Path | None = Field(None, description="PEM file of a private certificate authority")
    geo_db: Path | None = Field(None, description="City database, MMDB with the GeoLite2 or DB-IP fields")
    asn_db: Path | None = Field(None, description="ASN database, MMDB")
    ip_lists: Path | None = Field(None, description="Folder of <category>.txt, .netset or .csv address lists")
    domain_lists: Path | None = Field(
        None, description="Folder of corporate, approved, unauthorized and personal domains"
    )
    policies_dir: Path | None = Field(None, description="Folder of own policies and parameter overrides")
    entra_tenant_id: str = Field("", description="Entra ID tenant")
    entra_client_id: str = Field("", description="Entra ID application id")
    entra_client_secret: SecretStr | None = Field(None, description="Entra ID application secret")
    entra_authority: str = Field("https://login.microsoftonline.com", description="Token authority")
    graph_url: str = Field("https://graph.microsoft.com/v1.0", description="Microsoft Graph, with /v1.0")
    workers: int = Field(
        4, ge=1, le=4, description="Parallel readers; an instance's node has four API slots by default"
    )
    page_size: int = Field(10_000, ge=1, le=10_000, description="Rows a page at most; shrinks where pages are slow")
    settle_seconds: int = Field(120, ge=0, description="How far behind the instance's clock a window ends")
    look_back_days: int = Field(
        3, ge=0, le=30, description="Days re-read before the first requested day, for late rows"
    )
    back_fill_days: int = Field(
        56,
        ge=0,
        le=400,
        description="Days read at first contact where the table still has them; the look-back's at least",
    )
    ip_list_look_back_days: int = Field(
        3, ge=0, le=30, description="How long before its first listing an address matches"
    )
    sensitivity: Literal["low", "medium", "high"] = Field("medium", description="Suppression sets of the travel policy")
    warehouse_days: int = Field(90, ge=1, description="Days of activities in the published file; older stay in Parquet")
    memory_limit: str = Field("2GB", pattern=r"^\d+(\.\d+)?(MB|GB)$", description="What DuckDB may use for one step")
    threads: int = Field(2, ge=1, description="Threads of one step")

    @model_validator(mode="after")
    def _urls_are_safe(self) -> Settings:
        examples = {
            "instance_url": "https://acme.service-now.com",
            "entra_authority": "https://login.microsoftonline.com",
            "graph_url": "https://graph.microsoft.com/v1.0",
        }
        for name, example in examples.items():
            _refuse_unsafe(name, getattr(self, name), example)
        return self

    @property
    def instance(self) -> str:
        """Short name of the instance: the setting, else the first label of the host."""
        return self.instance_name or (urlsplit(self.instance_url).hostname or "").split(".")[0]

    @property
    def settle(self) -> timedelta:
        return timedelta(seconds=self.settle_seconds)

    @property
    def warehouse(self) -> Path:
        return self.data_dir / "warehouse" / "nowguard.duckdb"

    @property
    def state_file(self) -> Path:
        return self.data_dir / "state" / "nowguard.sqlite"

    @property
    def compiled_dir(self) -> Path:
        """Expressions compiled to SQL by earlier runs; may be deleted at any time."""
        return self.data_dir / "compiled"

    @property
    def token_file(self) -> Path:
        return self.data_dir / "state" / "tokens" / f"{self.instance}.json"


def _refuse_unsafe(name: str, url: str, example: str) -> None:
    """Secrets travel by https, or stay on this machine; they do not stand in an address."""
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{name} must look like {example}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{name} may use plain http only on loopback")
    if parts.username or parts.password:
        raise ValueError(f"{name} must not hold credentials: use the settings for them")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the origin of each value: `flag`, `environment`, `airflow connection`, a file name or `default`."""

    settings: Settings
    origin: Mapping[str, str]

    def shown(self) -> list[tuple[str, str, str]]:
        """(key, value with secrets masked, origin), in the order of declaration."""
        return [
            (key, _shown(getattr(self.settings, key)), self.origin.get(key, "default")) for key in Settings.model_fields
        ]


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    connection: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Loaded:
    """Merge the layers, strongest first. `connection` is what a DAG took from an Airflow Connection."""
    environ = os.environ if environ is None else environ
    path = file or Path(environ.get("NOWGUARD_CONFIG", FILE_NAME))
    layers = [
        (str(path), _read_file(path, must_exist=file is not None)),
        ("airflow connection", dict(connection or {})),
        ("environment", _from_environment(environ)),
        ("flag", {k: v for k, v in (flags or {}).items() if v is not None}),
    ]
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name, layer in layers:
        _refuse_unknown(layer, name)
        values |= layer
        origin |= dict.fromkeys(layer, name)
    try:
        return Loaded(Settings(**values), origin)
    except ValidationError as error:
        raise UsageError(
            _explain(error, origin), remedy="correct the value; see `nowguard config show --origin`"
        ) from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`NOWGUARD_X=...` as {x: ...}; an empty value counts as not set. Names of other uses are left alone."""
    reserved = {"config", "crash_at", "log_level"}
    found = {k[len(PREFIX) :].lower(): v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}
    return {k: v for k, v in found.items() if k not in reserved}


def _read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    if not path.is_file():
        if must_exist:
            raise UsageError(f"there is no settings file {path}", remedy="give an existing file to --config")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}", remedy="correct that line") from None


def _refuse_unknown(layer: Mapping[str, Any], name: str) -> None:
    for key in layer:
        if key in Settings.model_fields:
            continue
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        shown = f"{PREFIX}{key.upper()}" if name == "environment" else key
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"unknown setting {shown} ({name})", remedy=f"{hint}list all with `nowguard config show`")


def _explain(error: ValidationError, origin: Mapping[str, str]) -> str:
    """One line, naming the setting and its origin but never its value: it may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    key = str(first["loc"][0]) if first["loc"] else "settings"
    where = f" ({origin[key]})" if key in origin else ""
    return f"{key}{where}: {first['msg']}"


def _shown(value: object) -> str:
    if value is None or value == "":
        return ""
    return "********" if isinstance(value, SecretStr) else str(value)
