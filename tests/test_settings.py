"""Settings: one reader, five layers, secrets that never print."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.settings import Settings, load

SECRET = "s3cr3t-canary"


def test_flag_beats_environment_beats_connection_beats_file(tmp_path: Path) -> None:
    file = tmp_path / "nowguard.toml"
    file.write_text('username = "from-file"\nclient_id = "from-file"\nworkers = 1\npage_size = 7\n')
    environ = {"NOWGUARD_USERNAME": "from-env", "NOWGUARD_CLIENT_ID": "from-env"}

    loaded = load(
        {"username": "from-flag"}, connection={"client_id": "from-conn", "workers": 2}, environ=environ, file=file
    )

    assert (loaded.settings.username, loaded.origin["username"]) == ("from-flag", "flag")
    assert (loaded.settings.client_id, loaded.origin["client_id"]) == ("from-env", "environment")
    assert (loaded.settings.workers, loaded.origin["workers"]) == (2, "airflow connection")
    assert (loaded.settings.page_size, loaded.origin["page_size"]) == (7, str(file))


def test_an_unknown_variable_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="NOWGUARD_INSTANCE_URLL") as caught:
        load(environ={"NOWGUARD_INSTANCE_URLL": "https://acme.service-now.com"})
    assert "instance_url" in caught.value.remedy


def test_an_unknown_key_of_the_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "nowguard.toml"
    file.write_text("pagesize = 5\n")
    with pytest.raises(UsageError, match="pagesize") as caught:
        load(environ={}, file=file)
    assert "page_size" in caught.value.remedy


def test_a_wrong_value_names_the_setting_and_its_origin_but_not_the_value() -> None:
    with pytest.raises(UsageError, match="workers") as caught:
        load(environ={"NOWGUARD_WORKERS": SECRET})
    assert "environment" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_secrets_show_as_stars_everywhere() -> None:
    loaded = load(environ={"NOWGUARD_PASSWORD": SECRET, "NOWGUARD_CLIENT_SECRET": SECRET})
    for text in (repr(loaded), str(loaded.settings), str(loaded.shown()), loaded.settings.model_dump_json()):
        assert SECRET not in text


@pytest.mark.parametrize(
    "url", ["http://acme.service-now.com", "ftp://localhost", "https://", "https://user:pw@acme.service-now.com"]
)
def test_an_unsafe_instance_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="instance_url"):
        load(environ={"NOWGUARD_INSTANCE_URL": url})


@pytest.mark.parametrize(
    ("url", "name", "expected"),
    [
        ("https://acme.service-now.com", "", "acme"),
        ("http://localhost:8088", "", "localhost"),
        ("https://acme.service-now.com", "prod", "prod"),
    ],
)
def test_the_instance_is_the_name_or_the_first_label_of_the_host(url: str, name: str, expected: str) -> None:
    loaded = load(environ={"NOWGUARD_INSTANCE_URL": url, "NOWGUARD_INSTANCE_NAME": name})
    assert loaded.settings.instance == expected


def test_every_variable_of_the_interface_is_a_setting() -> None:
    promised = """data_dir instance_url instance_name auth username password client_id client_secret ca_bundle geo_db asn_db
    ip_lists domain_lists policies_dir entra_tenant_id entra_client_id entra_client_secret entra_authority graph_url"""
    assert set(promised.split()) <= set(Settings.model_fields)
    assert all(f.description for f in Settings.model_fields.values())
